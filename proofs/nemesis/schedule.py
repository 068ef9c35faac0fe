"""The schedule of strikes: from seeded random numbers, so the same seed gives the same schedule. Pure."""

from dataclasses import asdict, dataclass
from random import Random
from typing import Any

from faults import Action, Point
from proofs.nemesis.lasting import BEHIND, LOCKS
from topology.processes import PROCESSES, SERVICES

KILL, RESTART, REDIS, STOP, ZOMBIE, CLOCK = "kill", "restart", "lose redis", "stop", "zombie", "clock"
READ_ONLY, FREEZE, LOCK, SWALLOW, SLOT = "read-only", "freeze", "lock a row", "swallow", "drop a slot"
SLOTS = ("relay", "recorder")
# Not the front door, which is only killed: stopped, it makes everybody wait.
STOPPABLE = tuple(process.name for process in PROCESSES if process.health == "heartbeat")
POSTGRES = tuple(process.name for process in PROCESSES if process.health == "postgres")


@dataclass(frozen=True, kw_only=True)
class Strike:
    """`when`: the share of the buyers who have come by then (0 to 1). `on`: a process, a service, or a slot as slot-service.

    `seconds`: how long.
    """

    when: float
    what: str
    on: str
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def schedule(seed: int, strikes: int) -> list[Strike]:
    """Each kind of strike; and each process killed once, as far as there are strikes enough; in random order."""
    dice = Random(f"schedule {seed}")  # noqa: S311 (dice of a game, to be thrown again)
    kills = [(KILL, process.name, 0.0) for process in PROCESSES if process.name != "redis"]
    dice.shuffle(kills)
    others = [
        (RESTART, dice.choice(POSTGRES), 0.0),
        (STOP, dice.choice(STOPPABLE), round(dice.uniform(2, 6), 1)),
        (CLOCK, "booking", 30.0),
        (CLOCK, "seats", 3600.0),
        (ZOMBIE, dice.choice(SERVICES[1:]), 18.0),  # longer than the broker waits before it gives a message to another
        (REDIS, "redis", 0.0),
        (READ_ONLY, dice.choice(POSTGRES), round(dice.uniform(2, 8), 1)),
        (READ_ONLY, "postgres-projections", round(dice.uniform(2, 4), 1)),
        (FREEZE, dice.choice(POSTGRES), round(dice.uniform(2, 8), 1)),
        (FREEZE, "redis", round(dice.uniform(2, 8), 1)),
        (LOCK, dice.choice(sorted(LOCKS)), round(dice.uniform(3, 10), 1)),
        (SLOT, f"{SLOTS[seed % 2]}-{dice.choice(SERVICES)}", 0.0),
        (SWALLOW, "api-booking", round(dice.uniform(3, 8), 1)),
        (SWALLOW, dice.choice(sorted(BEHIND)), round(dice.uniform(3, 8), 1)),
    ]
    first = [kills.pop(), *others]
    dice.shuffle(first)
    chosen = first[:strikes] if strikes < len(first) else [*first, *kills[: strikes - len(first)]]
    while len(chosen) < strikes:
        chosen.append(
            dice.choice(
                [
                    (KILL, dice.choice(PROCESSES[1:]).name, 0.0),
                    (STOP, dice.choice(STOPPABLE), round(dice.uniform(2, 8), 1)),
                    (RESTART, dice.choice(POSTGRES), 0.0),
                    (CLOCK, dice.choice(("booking", "seats")), float(dice.choice((10, 60, 3600)))),
                    (READ_ONLY, dice.choice(POSTGRES), round(dice.uniform(1, 8), 1)),
                    (FREEZE, dice.choice((*POSTGRES, "redis")), round(dice.uniform(1, 8), 1)),
                    (LOCK, dice.choice(sorted(LOCKS)), round(dice.uniform(2, 10), 1)),
                ]
            )
        )
    dice.shuffle(chosen)
    return [
        Strike(when=round((number + 0.5) / len(chosen), 4), what=what, on=on, seconds=seconds)
        for number, (what, on, seconds) in enumerate(chosen)
    ]


def between_commit_and_publication(seed: int) -> dict[str, Any]:
    """The purpose of an outbox: without one, a crash here loses the transaction's messages."""
    trigger = {"kind": "probability", "probability": 0.04, "seed": seed}
    return {"point": Point.TRANSACTION_COMMITTED, "action": Action.CRASH, "service": "tickets", "trigger": trigger}


def between_look_and_commit(seed: int) -> dict[str, Any]:
    """The purpose of a conditional write: without one, a rival who reads the seat meanwhile takes it, too."""
    trigger = {"kind": "probability", "probability": 0.7, "seed": seed}
    where = {"point": Point.TRANSACTION_INSIDE, "service": "seats", "message": "ReserveSeats"}
    return {**where, "action": Action.DELAY, "seconds": 0.5, "trigger": trigger}


def weather(seed: int) -> list[dict[str, Any]]:
    """Faults armed for the whole run: messages lost, doubled, late and overtaken; transactions that fail; a worker that dies."""

    def fault(point: Point, action: Action, probability: float, number: int, **more: Any) -> dict[str, Any]:
        trigger = {"kind": "probability", "probability": probability, "seed": (seed * 97 + number) % 2**31}
        return {"point": point, "action": action, "trigger": trigger, "name": "nemesis", **more}

    return [
        fault(Point.BUS, Action.DROP, 0.01, 1),
        fault(Point.BUS, Action.DUPLICATE, 0.05, 2),
        fault(Point.BUS, Action.DELAY, 0.02, 3, seconds=2.0),
        fault(Point.BUS, Action.REORDER, 0.02, 4, seconds=2.0),
        fault(Point.TRANSACTION_INSIDE, Action.ERROR, 0.01, 5),
        fault(Point.TRANSACTION_COMMITTED, Action.CRASH, 0.001, 6),
        fault(Point.ANSWER, Action.REFUSE, 0.01, 7, reason="refused"),
        # Written and not yet committed: the moment in which another transaction still sees the seat free.
        fault(Point.TRANSACTION_INSIDE, Action.DELAY, 0.3, 8, service="seats", message="ReserveSeats", seconds=0.3),
    ]
