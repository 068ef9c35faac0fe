"""The auditor: reads the services' truth, and decides for each invariant whether it holds.

    truth = read(settings.API_URLS, views)     # reader.py: the services' APIs, in an order that makes the comparison valid
    verdict = judge(truth)                     # verdict.py: the invariants (invariants.py, views.py) and their status

running/ is the process that does so again and again.
"""
