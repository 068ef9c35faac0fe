"""A service that no product file names: joined to the house by one line, it boots, is journaled, drawn, struck, and audited."""

import json
import os
import signal
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
from dotenv import dotenv_values

from audit.reader import fetch
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
PORT = int(os.environ.get("SAGABOX_TEST_PORT", "18400")) + 7
pytestmark = [pytest.mark.proof, pytest.mark.timeout(240)]


@dataclass
class Running:
    """A sandbox of another house, started as a person would."""

    http: httpx.Client
    database: str  # the alias of the fifth service's

    def environment(self, service: str) -> dict[str, str]:
        found = dotenv_values(ROOT / ".sandbox" / str(PORT) / "env" / f"{service}.env")
        return {name: value or "" for name, value in found.items()}

    def rows(self, service: str, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask a service's database as its owner."""
        alias = self.database if service == "vouchers" else service
        url = self.environment(service)[f"DATABASE_URL_{alias.upper()}"]
        with psycopg.connect(url, autocommit=True) as connection:
            found = connection.execute(sql.encode(), values or None)
            return found.fetchall() if found.description else []

    def ask(self, booking: str, worth: int) -> str:
        """Put a command for the fifth service into the orchestrator's outbox; the saga is nobody's. Returns the command's id."""
        message = str(uuid.uuid4())
        statement = """
            insert into booking_outbox
                (id, kind, type, destination, subject, correlation_id, saga_id, step, action, data)
            values (%s, 'command', 'GrantVoucher', 'vouchers', %s, %s, %s, 'GrantVoucher', 'forward', %s)
        """
        data = json.dumps({"booking_id": booking, "worth": worth})
        self.rows("booking", statement, message, booking, booking, str(uuid.uuid4()), data)
        return message

    def granted(self, booking: str) -> list[tuple[Any, ...]]:
        return self.rows("vouchers", "select worth from vouchers_voucher where booking_id = %s", booking)

    def place(self) -> str:
        seats = self.http.get("/api/performances/concert-2024/seats").json()
        seat = next(one["label"] for one in seats if one["status"] == "AVAILABLE" and one["label"] != "A-15")
        body = {"performance": "concert-2024", "seats": [seat], "customer": 123, "payment_method": "tok_visa"}
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        return str(self.http.post("/api/bookings", json=body, headers=headers).raise_for_status().json()["id"])


def _manage(house: str, *words: str, log: Any) -> subprocess.Popen[bytes]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    environment = {**kept, "PORT": str(PORT), "SAGABOX_HOUSE": house}
    return subprocess.Popen([sys.executable, "manage.py", *words], cwd=ROOT, env=environment, stdout=log, stderr=log)


@pytest.fixture(
    scope="module", params=[("house", "vouchers"), ("shared_house", "payments")], ids=lambda param: param[0]
)
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """With an instance of its own; and with its tables in Payment's database."""
    module, database = request.param
    house = f"tests.topology.{module}"
    path = tmp_path_factory.mktemp("fifth") / "log"
    with path.open("wb") as log, httpx.Client(base_url=f"http://127.0.0.1:{PORT}", timeout=30) as http:
        sandbox = _manage(house, "sandbox", "up", log=log)

        def ready() -> bool:
            assert sandbox.poll() is None, path.read_text()
            try:
                return http.get("/readyz").status_code == 200
            except httpx.TransportError:
                return False

        try:
            wait_until(ready, 150, "all five services to be ready")
            yield Running(http, database)
        finally:
            sandbox.send_signal(signal.SIGINT)
            sandbox.wait(60)
            assert _manage(house, "sandbox", "reset", log=log).wait(60) == 0, path.read_text()


def test_its_three_programs_run(running: Running) -> None:
    parts = running.http.get("/readyz").json()["parts"]
    assert {"worker-vouchers", "relay-vouchers", "api-vouchers"} <= parts.keys()
    assert set(parts.values()) == {"ready"}


def test_it_acts_answers_tells_and_is_journaled_and_drawn(running: Running) -> None:
    booking = running.place()
    asked = running.ask(booking, 500)
    wait_until(lambda: running.granted(booking) == [(500,)], 30, "the voucher")
    told = "select kind, type, destination from vouchers_outbox where causation_id = %s order by seq"
    assert running.rows("vouchers", told, asked) == [
        ("event", "VoucherGranted", ""), ("reply", "GrantVoucherReply", "booking"),
    ]  # fmt: skip
    entry = """
        select title from journal_entry join journal_mention using (tape, pos) where service = 'vouchers' and correlation = %s
    """
    (title,) = wait_until(lambda: running.rows("journal", entry, booking), 30, "its entry")
    assert title == ("GrantVoucher",)
    page = wait_until(lambda: _drawn(running, booking), 30, "its lane and its table")
    assert "vouchers_voucher" in page


def _drawn(running: Running, booking: str) -> str:
    page = running.http.get(f"/?booking={booking}").text
    return page if "Voucher: GrantVoucher" in page else ""


def test_it_has_a_console_and_letters_and_a_place_at_the_rail(running: Running) -> None:
    assert "vouchers_outbox" in running.http.get("/console?service=vouchers").text
    found = running.http.get("/api/vouchers/dead-letters")
    assert (found.status_code, found.json()) == (200, [])
    (entry,) = [
        one for one in running.http.get("/api/faults/points").json()["points"] if one["point"] == "transaction.inside"
    ]
    assert "vouchers" in entry["services"]
    assert "GrantVoucher" in entry["messages"]


def test_a_fault_strikes_it(running: Running) -> None:
    fault = {
        "point": "answer",
        "action": "refuse",
        "service": "vouchers",
        "message": "GrantVoucher",
        "reason": "none left",
    }
    assert running.http.post("/api/faults", json=fault).status_code == 201
    booking = str(uuid.uuid4())
    asked = running.ask(booking, 1)
    refused = "select data ->> 'reason' from vouchers_outbox where causation_id = %s and kind = 'reply'"
    wait_until(lambda: running.rows("vouchers", refused, asked) == [("none left",)], 30, "the refusal")
    assert running.granted(booking) == []


def test_an_auditor_reads_its_truth_and_all_holds(running: Running) -> None:
    booking = str(uuid.uuid4())
    running.ask(booking, 7)
    wait_until(lambda: running.granted(booking), 30, "the voucher")
    answer = fetch("vouchers", running.environment("projections")["API_URL_VOUCHERS"])
    assert [row["worth"] for row in answer.of("voucher") if row["booking_id"] == booking] == [7]
    wait_until(lambda: running.http.get("/api/verdict").json()["status"] == "holds", 30, "everything to hold")


def test_its_tables_replay_to_what_they_are(running: Running) -> None:
    def equal() -> bool:
        found = running.http.get("/api/replay/check").json()
        mine = [one for one in found["services"] if one["service"] == "vouchers"]
        return [one["standing"] for one in mine] == ["equal"]

    wait_until(equal, 30, "the replay of Voucher's tables")
