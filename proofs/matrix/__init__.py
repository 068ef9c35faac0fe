"""The failpoint matrix: one booking for each message x point x action, held against what the design says of it.

After Oxide's saga tests (fail every node in turn, run every action and every undo twice), with real processes.
"""
