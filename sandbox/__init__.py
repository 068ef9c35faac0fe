"""The embedded runtime: every PostgreSQL, Redis and every process of Sagabox on one machine.

Start reading at topology/processes.py (what runs) and `runtime.py` (how it starts and stops). No other package imports
this one; it runs the others as processes.
"""
