"""The named fault points: where a booking can be broken on purpose. One call site each.

The idea of named constants with one call site each is DBOS's; the boundaries are those of a local transaction.
"""

from enum import StrEnum


class Point(StrEnum):
    """A boundary at which a fault may strike."""

    TRANSACTION_BEFORE = "transaction.before"  # the message has arrived, its local transaction has not begun
    TRANSACTION_INSIDE = "transaction.inside"  # all rows are written, nothing is committed
    TRANSACTION_COMMITTED = "transaction.committed"  # committed, the broker does not know it yet
    ANSWER = "answer"  # the business answer of a command: card declined, printer refuses
    RELAY_BEFORE_PUBLISH = "relay.before_publish"  # the message is in the log, not yet in the broker
    RELAY_AFTER_PUBLISH = "relay.after_publish"  # the broker has it, the log position is not confirmed


class Action(StrEnum):
    """What a fault does when it strikes."""

    REFUSE = "refuse"  # the participant says no
    ERROR = "error"  # an exception: the local transaction rolls back
    CRASH = "crash"  # the process gets SIGKILL
    DROP = "drop"  # the message is lost on its way
    DUPLICATE = "duplicate"  # the message is sent twice
    DELAY = "delay"  # the message is held back for a while


TRANSACTION = {Action.ERROR, Action.CRASH}
ALLOWED: dict[Point, set[Action]] = {
    Point.TRANSACTION_BEFORE: TRANSACTION,
    Point.TRANSACTION_INSIDE: TRANSACTION,
    Point.TRANSACTION_COMMITTED: {Action.CRASH},
    Point.ANSWER: {Action.REFUSE},
    Point.RELAY_BEFORE_PUBLISH: {Action.DROP, Action.DUPLICATE, Action.DELAY},
    Point.RELAY_AFTER_PUBLISH: {Action.CRASH},
}
"""Which actions make sense at which point; anything else is refused when the fault is armed."""


class Mechanism(StrEnum):
    """A safety mechanism that can be switched off to see what it is there for (tests: the controls)."""

    BARRIER = "barrier"
    CONDITIONAL_SEAT_WRITE = "conditional_seat_write"
    SEQUENCE_CHECK = "sequence_check"
