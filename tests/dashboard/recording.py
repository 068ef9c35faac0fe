"""Record the journal entries of real bookings as data for tests: `PORT=8000 python -m tests.dashboard.recording`.

Needs a sandbox that runs at PORT and is otherwise left alone. Writes
recorded/<story>.json.gz: {"booking", "entries"}; `recorded(story)` reads it.
"""

import gzip
import json
import os
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from sandbox import secret_store
from sandbox.environment import Environments
from sandbox.layout import Layout

HERE = Path(__file__).resolve().parent / "recorded"
Fault = dict[str, Any]


@dataclass(frozen=True)
class Scene:
    """A booking to play: how it is paid, the faults armed for it, and what is done once it has ended."""

    method: str = "tok_visa"
    faults: list[Fault] = field(default_factory=list)
    then_cancel: bool = False


TAKE = {"service": "payments", "message": "TakePayment"}
SCENES = {
    "confirmed": Scene(),
    "declined": Scene(method="tok_declined"),
    "printer_refused": Scene(
        faults=[{"point": "answer", "action": "refuse", "message": "IssueTickets", "reason": "printer_refused"}]
    ),
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
}


def main() -> None:
    layout = Layout(Path(__file__).resolve().parents[2], int(os.environ.get("PORT", "8000")))
    secrets = secret_store.load_or_create(layout.state / "secrets.env")
    os.environ.update(Environments(layout.ports, secrets, layout.control).of_service("web"))
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    import django

    django.setup()
    for name in sys.argv[1:] or SCENES:
        record(layout.url, name, SCENES[name])


def record(url: str, name: str, scene: Scene) -> None:
    from journal.queries import entries_of

    with httpx.Client(base_url=url, timeout=30) as http:
        for fault in scene.faults:
            http.post("/api/faults", json=fault).raise_for_status()
        seats = http.get("/api/performances/concert-2024/seats").json()
        free = [seat["label"] for seat in seats if seat["status"] == "AVAILABLE"]
        body = {"performance": "concert-2024", "seats": free[-2:], "customer": 123, "payment_method": scene.method}
        placed = http.post("/api/bookings", json=body, headers={"Idempotency-Key": str(uuid.uuid4())})
        booking = placed.raise_for_status().json()["id"]

        def state() -> str:
            return str(http.get(f"/api/bookings/{booking}").json().get("state", ""))

        _until(lambda: state() in ("CONFIRMED", "CANCELLED", "STUCK"))
        if scene.then_cancel:
            http.post(
                f"/api/bookings/{booking}/cancel",
                json={"customer": 123},
                headers={"Idempotency-Key": str(uuid.uuid4())},
            ).raise_for_status()
            _until(lambda: state() == "CANCELLED")
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
