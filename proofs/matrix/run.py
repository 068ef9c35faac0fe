"""Runs a cell: arm, book, resume what is held, wait for the end, check the outcome."""

import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from typing import Any

from booking.saga.definitions import DEFINITIONS
from faults import Action, Point
from proofs.house import SETTLED, House, NotInTime, wait_for
from proofs.matrix import expect
from proofs.matrix.cells import CANCEL, CANCELLATION, COMPENSATION, EVENT, FENCE, SYSTEM, Cell

CUSTOMER = 123
PATIENCE_S = 90.0
STRIKE_S = 20.0
LENGTH_S = {Action.DELAY: 1.0, Action.HANG: 3.0, Action.PAUSE: 2.0, Action.REORDER: 1.0, Action.DOWN: 2.0}
OVER = ("COMPLETED", "COMPENSATED", "STUCK")


@dataclass(kw_only=True)
class Result:
    """A cell and its outcome. `ended` is "STATE reason"; `verdict` the invariants its booking broke."""

    row: str
    column: str
    way: str
    message: str
    point: str
    action: str
    on: str
    expected: str
    ended: str = ""
    attempts: int = 0
    fired: int = 0
    ms: int = 0
    booking: str = ""
    error: str = ""
    as_designed: bool = False
    verdict: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return self.as_designed and not self.verdict

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "good": self.good}


def run(house: House, performance: str, cell: Cell, seat: str) -> Result:
    """Book `seat` with the cell's fault armed for it. Never raises for failures on the way: they are results."""
    result = Result(
        row=cell.row.name, column=cell.column, way=cell.row.way, message=cell.message, point=cell.point,
        action=cell.action, on=cell.on, expected=expect.expected(cell).text(),
    )  # fmt: skip
    try:
        _Run(house, performance, cell, seat, result).run()
    except (NotInTime, RuntimeError) as error:
        result.error = str(error)
    return result


class _Run:
    def __init__(self, house: House, performance: str, cell: Cell, seat: str, result: Result) -> None:
        self.house, self.performance, self.cell, self.seat, self.result = house, performance, cell, seat, result
        self.needs_confirmed = cell.row.saga == expect.CANCEL_BOOKING
        self.fault = ""

    def run(self) -> None:
        with ExitStack() as undo:
            began = time.monotonic()
            if self.needs_confirmed:
                self._book()
                self._settled("BookTickets")
                began = time.monotonic()
            for helper in self._helpers():
                undo.callback(self.house.clear, self._arm(helper))
            self.fault = self._arm(_fault(self.cell))
            undo.callback(self.house.clear, self.fault)
            if self.needs_confirmed:
                self.house.cancel(self.result.booking, CUSTOMER)
            else:
                self._book()
            if self.cell.action in (Action.HOLD, CANCEL):
                self._let_go()
            self._end(began)

    def _arm(self, fault: dict[str, Any]) -> str:
        armed = self.house.arm(**fault, **self._scope())
        wait_for(lambda: self.house.is_told(armed), PATIENCE_S, "the services to know of the fault")
        return armed

    def _book(self) -> None:
        self.result.booking = self.house.place(self.performance, [self.seat], CUSTOMER)

    def _scope(self) -> dict[str, str]:
        """Before a booking has an id its seat names it; nobody else books that seat."""
        if self.cell.row.way == SYSTEM:
            return {}
        return {"booking": self.result.booking} if self.result.booking else {"seat": self.seat}

    def _helpers(self) -> list[dict[str, Any]]:
        """What brings the saga to the message: the printer refuses, or the pivot is lost each time."""
        match self.cell.row.way:
            case _ if self.cell.row.way == COMPENSATION:
                refused = {"service": "tickets", "message": "IssueTickets", "reason": expect.PRINTER}
                return [{"point": Point.ANSWER, "action": Action.REFUSE, **refused}]
            case _ if self.cell.row.way == FENCE:
                definition = DEFINITIONS[self.cell.row.saga]
                times = definition.policies.pivot.attempts  # a cancellation's next saga is let through
                lost = {
                    "service": "booking",
                    "message": self.cell.row.step,
                    "trigger": {"kind": "times", "times": times},
                }
                return [{"point": Point.BUS, "action": Action.DROP, **lost}]
        return []

    def _let_go(self) -> None:
        wait_for(lambda: self.house.fault(self.fault).get("held"), PATIENCE_S, "the hold")
        if self.cell.action == CANCEL:
            self.house.cancel(self.result.booking, CUSTOMER)
            wait_for(self._wish_arrived, PATIENCE_S, "the wish to be handled")
        wait_for(lambda: self.house.resume(self.fault), PATIENCE_S, "what is held to be resumed")

    def _wish_arrived(self) -> bool:
        """Seen in the saga's log; where it changes nothing (or there is no saga yet) there is nothing to see."""
        saga = self.house.saga(self.result.booking)
        early = self.cell.row.way in ("start", COMPENSATION, CANCELLATION, FENCE) or self.cell.row.kind == "retriable"
        return early or any(line["what"] == "interrupted" for line in saga.get("log", []))

    def _end(self, began: float) -> None:
        cell, result, house = self.cell, self.result, self.house
        last = "CancelBooking" if expect.BY_CUSTOMER in result.expected or self.needs_confirmed else "BookTickets"
        saga = self._settled(last)
        result.ms = round((time.monotonic() - began) * 1000)
        result.ended = f"{saga['booking_state']} {house.booking(result.booking).get('reason', '')}".strip()
        wait_for(self._view_agrees(saga["booking_state"]), PATIENCE_S, "the view to show it")
        row = house.booking(result.booking)
        result.ended = f"{row['state']} {row['reason']}".strip()
        result.fired = self._fired()
        attempts, limit = max(_attempts(one, cell) for one in self._sagas(saga))
        result.attempts = attempts
        ran_out = expect.ran_out(cell, saga["log"], limit)
        ended = (row["state"], row["reason"])
        result.as_designed = expect.as_designed(cell, ended, attempts, ran_out) and result.fired > 0
        if not result.fired:
            result.error = "the fault never struck: this proves nothing"

    def _sagas(self, newest: dict[str, Any]) -> list[dict[str, Any]]:
        """The booking's sagas of the newest one's definition: a cancellation may take more than one."""
        same = [one["id"] for one in newest["sagas"] if one["definition"] == newest["definition"]]
        return [newest, *(self.house.saga(self.result.booking, one) for one in same if one != newest["id"])]

    def _fired(self) -> int:
        """How often the fault struck. What concerns another view may still be on its way to it."""
        try:
            return int(wait_for(lambda: self.house.fault(self.fault).get("fired", 0), STRIKE_S, "the strike"))
        except NotInTime:
            return 0

    def _settled(self, last: str) -> dict[str, Any]:
        """The booking's saga once it has ended; `last` is the saga that must have run (or another has ended it finally)."""

        def ended() -> dict[str, Any]:
            saga = self.house.saga(self.result.booking)
            over = saga.get("state") in OVER and saga.get("booking_state") in (*SETTLED, "STUCK")
            running_on = saga.get("booking_state") == "CONFIRMED" and saga.get("definition") != last
            return saga if over and not running_on else {}

        return wait_for(ended, PATIENCE_S, f"the booking to end ({last})")

    def _view_agrees(self, state: str) -> Any:
        return lambda: self.house.booking(self.result.booking).get("state") == state


def _fault(cell: Cell) -> dict[str, Any]:
    action = Action.HOLD if cell.action == CANCEL else Action(cell.action)
    fault: dict[str, Any] = {"point": cell.point, "action": action, "service": cell.at}
    if cell.row.way != SYSTEM:
        fault["message"] = cell.message
    if action in LENGTH_S:
        fault["seconds"] = LENGTH_S[action]
    if action == Action.REFUSE:
        fault["reason"] = expect.refusal(cell)
    return fault


def _attempts(saga: dict[str, Any], cell: Cell) -> tuple[int, int]:
    """How often the command was sent, and how often it may be before the saga gives it up."""
    for step in saga["steps"]:
        for action in step["actions"]:
            if action["command"] == cell.row.command:
                return len(action["attempts"]), action["limit"]
    unnamed = cell.row.way in ("start", EVENT, SYSTEM)  # no attempt of a step's command
    return (1, 99) if unnamed or saga["definition"] != cell.row.saga else (0, 99)
