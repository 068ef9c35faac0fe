"""The embedded runtime: five PostgreSQL, one Redis and every process of Sagabox on one machine.

Start reading at `processes.py` (what runs) and `runtime.py` (how it comes up and goes down). No other package imports
this one; it runs the others as processes.
"""
