"""Harder than life: the failpoint matrix, the nemesis with its checker of histories, hostile input, the soak.

Stands outside like bench/: it speaks to a running sandbox as a client does, and to supervisor as the kernel would.
"""
