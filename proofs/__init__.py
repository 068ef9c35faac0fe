"""Stress tests: the failpoint matrix, the nemesis with its checker of histories, hostile input, the soak.

Like bench/ it is outside of the product: it uses a running sandbox as a client does, and sends signals as the kernel
would.
"""
