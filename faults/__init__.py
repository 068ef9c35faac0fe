"""Fault injection: named points, and the plan of what is armed. The list of services comes from the house.

Arm with `arm(redis, Fault(...))` or `parse` (from JSON); see with `listing`, `held` and `catalogue`; end with `clear`
and `release`. A process checks its `Plan` at each point.
"""

from faults.acting import Alive, InjectedError, act, hanging
from faults.arming import LIMIT, arm, clear, forget_spent, listing, switch, switched_off
from faults.asking import OWN, OWN_TIMES, check_house, check_own, parse
from faults.catalogue import catalogue
from faults.checks import FaultError
from faults.fault import Fault, dump, load
from faults.holding import Held, Hold, abandon, held, held_bookings, release
from faults.plan import Plan
from faults.points import ALLOWED, AT, BY_CONTROL, SANDBOX, Action, Mechanism, Point
from faults.target import Target
from faults.trigger import Kind, Trigger

__all__ = [
    "ALLOWED",
    "AT",
    "BY_CONTROL",
    "LIMIT",
    "OWN",
    "OWN_TIMES",
    "SANDBOX",
    "Action",
    "Alive",
    "Fault",
    "FaultError",
    "Held",
    "Hold",
    "InjectedError",
    "Kind",
    "Mechanism",
    "Plan",
    "Point",
    "Target",
    "Trigger",
    "abandon",
    "act",
    "arm",
    "catalogue",
    "check_house",
    "check_own",
    "clear",
    "dump",
    "forget_spent",
    "hanging",
    "held",
    "held_bookings",
    "listing",
    "load",
    "parse",
    "release",
    "switch",
    "switched_off",
]
