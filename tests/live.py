"""A running sandbox for tests that need all of it: every process real, on ports of its own."""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from sandbox.runtime import Sandbox
from tests.waiting import wait_until
from topology.processes import HOUSE

ROOT = Path(__file__).resolve().parent.parent
PORT = int(os.environ.get("SAGABOX_TEST_PORT", "18400"))  # another one lets two runs go side by side
ENDED = {"CONFIRMED", "CANCELLED", "STUCK"}


@dataclass
class Live:
    """What a test says to a running sandbox, in verbs."""

    sandbox: Sandbox
    http: httpx.Client

    @property
    def url(self) -> str:
        return self.sandbox.url.rstrip("/")

    @property
    def apis(self) -> dict[str, str]:
        """Service, or process with an API of its own -> its address, of those that run all the time."""
        given = self.sandbox.environments.values("web").items()
        stopped = {program.name.removeprefix("api-") for program in HOUSE.programs if program.on_demand}
        urls = {key.removeprefix("API_URL_").lower(): url for key, url in given if key.startswith("API_URL_")}
        return {name: url for name, url in urls.items() if name not in {"web", *stopped}}

    def place(self, seats: list[str], performance: str = "studio-night", method: str = "tok_visa", **more: Any) -> str:
        """Place a booking and return its id at once."""
        body = {"performance": performance, "seats": seats, "customer": 123, "payment_method": method, **more}
        answer = self.http.post("/api/bookings", json=body, headers={"Idempotency-Key": str(uuid.uuid4())})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def booking(self, booking: str) -> dict[str, Any]:
        answer = self.http.get(f"/api/bookings/{booking}")
        return answer.json() if answer.status_code == 200 else {"state": "unknown to the view"}

    def ended(self, *bookings: str, within: float = 30) -> list[dict[str, Any]]:
        """The read model's rows of these bookings, once each of them has ended."""

        def rows() -> list[dict[str, Any]]:
            found = [self.booking(one) for one in bookings]
            return found if all(row["state"] in ENDED for row in found) else []

        return wait_until(rows, within, f"{len(bookings)} bookings to end")

    def settled(self, within: float = 60) -> None:
        """Wait until no saga runs: a message of an earlier test's booking would take the fault that this one arms."""
        running = "select count(*) from booking_saga where state not in ('COMPLETED', 'COMPENSATED', 'STUCK')"
        wait_until(lambda: self.rows("booking", running) == [(0,)], within, "every saga to end")

    def seat(self, label: str, performance: str = "studio-night") -> dict[str, Any]:
        """The seat as the read model has it."""
        seats = self.http.get(f"/api/performances/{performance}/seats").json()
        return next(seat for seat in seats if seat["label"] == label)

    def free_seats(self, count: int, performance: str = "concert-2024") -> list[str]:
        """Seats nobody has asked for yet, to the map and to Seat: the map may be behind. Tests share one sandbox and each takes
        others."""
        seats = self.http.get(f"/api/performances/{performance}/seats").json()
        query = "select label from seats_seat where performance_id = %s and status = 'AVAILABLE'"
        truly = {label for (label,) in self.rows("seats", query, performance)}
        free = [one["label"] for one in seats if one["status"] == "AVAILABLE" and one["label"] in truly - {"A-15"}]
        return free[-count:]

    def rows(self, service: str, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask a service's database as its owner: the truth, for assertions only."""
        url = self.sandbox.environments.control()[f"DATABASE_URL_{service.upper()}"]
        with psycopg.connect(url, autocommit=True) as connection:
            return connection.execute(sql.encode(), values or None).fetchall()

    def arm(self, **fault: Any) -> str:
        """Arm a fault, by the API; its id, once the services know of it."""
        answer = self.http.post("/api/faults", json=fault)
        assert answer.status_code == 201, answer.text
        armed = str(answer.json()["id"])
        wait_until(lambda: self.fault(armed)["told"], 10, "the services to know of the fault")
        return armed

    def fault(self, armed: str) -> dict[str, Any]:
        """What became of it."""
        return next(one for one in self.http.get("/api/faults").json()["faults"] if one["id"] == armed)

    def toggle(self, name: str) -> None:
        """Arm one of the page's toggles."""
        page = self.http.get("/")
        token = page.cookies.get("csrftoken") or self.http.cookies["csrftoken"]
        answer = self.http.post(f"/faults/{name}", headers={"X-CSRFToken": token, "Origin": self.url})
        assert answer.status_code == 200, answer.text
        wait_until(lambda: (name, "armed", True) in self._armed(), 5, f"{name} to be armed")

    def _armed(self) -> list[tuple[str, str, bool]]:
        return [(one["name"], one["state"], one["told"]) for one in self.http.get("/api/faults").json()["faults"]]

    def command(self, *arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run manage.py as a person would in a second shell."""
        environment = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**environment, "PORT": str(self.sandbox.layout.port)},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )


def run() -> Iterator[Live]:
    """Start a sandbox with fresh data, for the session; remove it afterwards."""
    sandbox = Sandbox(ROOT, PORT)
    sandbox.reset()
    try:
        with sandbox, httpx.Client(base_url=sandbox.url, timeout=30) as http:
            live = Live(sandbox, http)
            wait_until(
                lambda: (
                    http.get("/readyz").status_code == 200
                    and http.get("/api/performances/concert-2024/seats").status_code == 200
                ),
                120,
                "the sandbox to be ready",
            )
            yield live
    finally:
        sandbox.reset()


@pytest.fixture(scope="session")
def live() -> Iterator[Live]:
    yield from run()
