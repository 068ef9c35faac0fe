"""Fault injection: named points, and the plan of what is armed. Imports nothing of ours."""

from faults.plan import Fault, FaultError, InjectedError, Plan, act, arm, clear, listing, switch
from faults.points import ALLOWED, Action, Mechanism, Point

__all__ = [
    "ALLOWED",
    "Action",
    "Fault",
    "FaultError",
    "InjectedError",
    "Mechanism",
    "Plan",
    "Point",
    "act",
    "arm",
    "clear",
    "listing",
    "switch",
]
