"""Record the journal entries of real bookings as data for tests: `PORT=8000 python -m tests.drawing.recording`.

Needs a sandbox that runs at PORT and is otherwise left alone. Writes
recorded/<story>.json.gz: {"booking", "entries"}; `recorded(story)` reads it. `... recording matrix RESULTS` does so for the
bookings of a run of the failpoint matrix, all in one file.
"""

import gzip
import json
import os
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from sandbox.data import secret_store
from sandbox.layout import Layout
from sandbox.running.environment import Environments

HERE = Path(__file__).resolve().parent / "recorded"
MATRIX = HERE / "matrix.json.gz"  # bookings of the failpoint matrix: {cell: {"booking", "entries"}}
MOST = 56  # cells of the first results are all kept, of the others a sample
Fault = dict[str, Any]


@dataclass(frozen=True)
class Scene:
    """A booking to play: how it is paid, the faults armed for it, and what is done once it has ended.

    `taken`: somebody else has its seats already. `by_hand`: what an operator does each time it is stuck. `stay`: seconds to wait
    after the end for what still comes (a redelivery).
    """

    method: str = "tok_visa"
    faults: list[Fault] = field(default_factory=list)
    then_cancel: bool = False
    taken: bool = False
    by_hand: str = ""
    stay: float = 0


TAKE = {"service": "payments", "message": "TakePayment"}
LOST = {"point": "bus", "action": "drop", "service": "booking"}
PRINTER = {"point": "answer", "action": "refuse", "message": "IssueTickets", "reason": "printer_refused"}
REFUND = {
    "point": "answer",
    "action": "refuse",
    "service": "payments",
    "message": "RefundPayment",
    "reason": "card_declined",
}
SCENES = {
    "confirmed": Scene(),
    "declined": Scene(method="tok_declined"),
    "printer_refused": Scene(faults=[PRINTER]),
    "lost_acknowledgement": Scene(
        faults=[{"point": "bus", "action": "drop", "service": "payments", "message": "TakePaymentReply"}]
    ),
    "crashed_worker": Scene(faults=[{"point": "transaction.inside", "action": "crash", **TAKE}]),
    "rolled_back": Scene(faults=[{"point": "transaction.inside", "action": "error", **TAKE}]),
    "duplicate": Scene(
        faults=[{"point": "bus", "action": "duplicate", "service": "booking", "message": "TakePayment"}]
    ),
    "held": Scene(faults=[{"point": "transaction.before", "action": "hold", "seconds": 2.5, **TAKE}]),
    "delayed": Scene(
        faults=[{"point": "bus", "action": "delay", "service": "seats", "message": "ReserveSeatsReply", "seconds": 1.2}]
    ),
    "cancelled_later": Scene(then_cancel=True),
    "seat_taken": Scene(taken=True),
    "crashed_after_commit": Scene(faults=[{"point": "transaction.committed", "action": "crash", **TAKE}], stay=20),
    "crashed_orchestrator": Scene(
        faults=[{"point": "orchestrator.after", "action": "crash", "service": "booking", "message": "TakePaymentReply"}]
    ),
    "refund_refused": Scene(faults=[PRINTER, {**REFUND, "trigger": {"kind": "times", "times": 2}}]),
    "confirm_refused": Scene(
        faults=[
            {
                "point": "answer",
                "action": "refuse",
                "service": "seats",
                "message": "ConfirmSeats",
                "reason": "unknown_seat",
            }
        ]
    ),
    "skipped_by_hand": Scene(faults=[PRINTER, {**REFUND, "trigger": {"kind": "always"}}], by_hand="skip"),
    "fenced": Scene(faults=[{**LOST, "message": "IssueTickets", "trigger": {"kind": "times", "times": 2}}]),
    "fence_finds": Scene(
        faults=[
            {**LOST, "service": "tickets", "message": "IssueTicketsReply", "trigger": {"kind": "times", "times": 2}}
        ]
    ),
    "given_up": Scene(faults=[{**LOST, "message": "TakePayment", "trigger": {"kind": "times", "times": 4}}]),
    "doubled_reply": Scene(
        faults=[{"point": "bus", "action": "duplicate", "service": "payments", "message": "TakePaymentReply"}]
    ),
    "held_after_commit": Scene(
        faults=[{"point": "transaction.committed", "action": "hold", "seconds": 3, **TAKE}], stay=4
    ),
    "relay_crashed": Scene(
        faults=[{"point": "relay.after_publish", "action": "crash", "service": "booking", "message": "TakePayment"}]
    ),
    "dead_letter": Scene(
        faults=[{"point": "transaction.inside", "action": "error", "trigger": {"kind": "times", "times": 4}, **TAKE}]
    ),
    "view_stood_still": Scene(
        faults=[{"point": "projector.before", "action": "pause", "service": "projector-seat-map", "seconds": 4}],
        stay=5,
    ),
}


def main() -> None:
    layout = Layout(Path(__file__).resolve().parents[2], int(os.environ.get("PORT", "8000")))
    secrets = secret_store.load_or_create(layout.state / "secrets.env")
    os.environ.update(Environments(layout.ports, secrets, layout.control).of_service("web"))
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    import django

    django.setup()
    if sys.argv[1:2] == ["matrix"]:
        return record_matrix(sys.argv[2:])
    for name in sys.argv[1:] or SCENES:
        record(layout.url, name, SCENES[name])
    return None


def record(url: str, name: str, scene: Scene) -> None:
    from journal.reading.queries import entries_of

    with httpx.Client(base_url=url, timeout=30) as http:
        seats = http.get("/api/performances/concert-2024/seats").json()
        free = [seat["label"] for seat in seats if seat["status"] == "AVAILABLE"]
        body = {"performance": "concert-2024", "seats": free[-2:], "customer": 123, "payment_method": scene.method}

        def state(one: str) -> str:
            return str(http.get(f"/api/bookings/{one}").json().get("state", ""))

        def place() -> str:
            placed = http.post("/api/bookings", json=body, headers={"Idempotency-Key": str(uuid.uuid4())})
            return str(placed.raise_for_status().json()["id"])

        if scene.taken:
            first = place()
            _until(lambda: state(first) == "CONFIRMED")
        for fault in scene.faults:
            http.post("/api/faults", json=fault).raise_for_status()
        booking = place()
        _until(lambda: state(booking) in ("CONFIRMED", "CANCELLED", "STUCK"), within=150)
        while scene.by_hand and state(booking) == "STUCK":
            act = {"who": "anna", "why": "the bank refunds by hand"}
            http.post(f"/api/operator/sagas/{booking}/{scene.by_hand}", json=act).raise_for_status()
            _until(lambda: state(booking) in ("CONFIRMED", "CANCELLED"))
        if scene.then_cancel:
            http.post(
                f"/api/bookings/{booking}/cancel",
                json={"customer": 123},
                headers={"Idempotency-Key": str(uuid.uuid4())},
            ).raise_for_status()
            _until(lambda: state(booking) == "CANCELLED")
        time.sleep(scene.stay)
        http.delete("/api/faults")
    entries: list[dict[str, Any]] = []

    def quiet() -> bool:
        nonlocal entries
        before, entries = len(entries), entries_of(booking)
        return len(entries) == before

    _until(quiet, every=1.5)
    HERE.mkdir(exist_ok=True)
    told = json.dumps({"booking": booking, "entries": entries}).encode()
    (HERE / f"{name}.json.gz").write_bytes(gzip.compress(told, mtime=0))
    print(f"{name}: {len(entries)} entries, {state_of(entries)}")


def record_matrix(results: Sequence[str]) -> None:
    """From what `manage.py matrix --output` wrote: each booking's entries, by cell; of a batch only its own rows."""
    from journal.reading.queries import entries_of

    cells = [cell for path in results for cell in json.loads(Path(path).read_text())["cells"] if cell["booking"]]
    told = {}
    for cell in cells[:MOST] + cells[MOST :: len(results)]:
        entries = own_rows(entries_of(cell["booking"]), cell["booking"])
        told[f"{cell['row']}, {cell['column']}"] = {"booking": cell["booking"], "entries": entries}
    MATRIX.write_bytes(gzip.compress(json.dumps(told).encode(), mtime=0))
    print(f"{len(told)} cells, {MATRIX.stat().st_size} bytes")


def own_rows(entries: list[dict[str, Any]], booking: str) -> list[dict[str, Any]]:
    """The entries of a booking with its own rows alone: a batch has those of others."""
    changes = [change for entry in entries for change in entry["changes"]]
    rows = [row for change in changes for row in (change["new"], change["old"]) if row and booking in row.values()]
    own = {booking, *(row["saga_id"] for row in rows if row.get("saga_id"))}
    own |= {row["id"] for row in rows if row.get("kind") in ("command", "reply")}  # a dead letter names its message

    def mentions(change: dict[str, Any]) -> bool:
        values = [value for row in (change["new"], change["old"]) for value in (row or {}).values()]
        return any(value in own for value in values if isinstance(value, str))

    return [{**entry, "changes": [one for one in entry["changes"] if mentions(one)]} for entry in entries]


def recorded(name: str) -> tuple[str, list[dict[str, Any]]]:
    """A booking's id and its entries, as they were recorded."""
    told = json.loads(gzip.decompress((HERE / f"{name}.json.gz").read_bytes()))
    return told["booking"], told["entries"]


def state_of(entries: list[dict[str, Any]]) -> str:
    told = [change["new"]["state"] for e in entries for change in e["changes"] if change["table"] == "booking_booking"]
    return str(told[-1]) if told else "?"


def _until(condition: Callable[[], bool], within: float = 60, every: float = 0.1) -> None:
    give_up = time.monotonic() + within
    while not condition():
        if time.monotonic() > give_up:
            raise SystemExit("it did not end in time")
        time.sleep(every)


if __name__ == "__main__":
    main()
