"""The auditor: reads what the services say is true, and says of each invariant whether it holds.

truth = read(settings.API_URLS, views)     # reader.py: the services' APIs, in an order that makes the answer fair
verdict = judge(truth)                     # verdict.py: the invariants (invariants.py, views.py) and how they stand
"""
