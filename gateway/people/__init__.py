"""Visitors and operators, and what they may see and do."""
