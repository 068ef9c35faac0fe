"""The failpoint matrix: one booking for each message x point x action, compared with the designed outcome.

After Oxide's saga tests (fail every node in turn, run every action and every undo twice), with real processes.
"""
