"""A sandbox of another house, with a fifth service, started as a person would. What a test says to it, in verbs."""

import json
import os
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
from dotenv import dotenv_values

from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
PORT = int(os.environ.get("SAGABOX_TEST_PORT", "18400")) + 7


@dataclass
class Running:
    """A sandbox of another house, started as a person would."""

    http: httpx.Client
    database: str  # the alias of the fifth service's
    house: str  # the module
    sandbox: subprocess.Popen[bytes]

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

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run manage.py as a person would in a second shell."""
        return subprocess.run(
            [sys.executable, "manage.py", *words], cwd=ROOT, env=environment_of(self.house), capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip

    def states(self) -> dict[str, str]:
        """Program -> its state, as `sandbox status` says it."""
        lines = self.command("sandbox", "status").stdout.splitlines()[1:]
        return {name: state.strip() for name, state in (re.split(r"  +", line)[:2] for line in lines)}

    def parts(self) -> dict[str, str]:
        found: dict[str, str] = self.http.get("/readyz").json()["parts"]
        return found

    def pid(self, program: str) -> int:
        found = json.loads(self.command("sandbox", "status", "--json").stdout)["processes"]
        return next(int(one["pid"]) for one in found if one["name"] == program)


def environment_of(house: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    return {**kept, "PORT": str(PORT), "SAGABOX_HOUSE": f"tests.topology.{house}"}


def _manage(house: str, *words: str, log: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "manage.py", *words], cwd=ROOT, env=environment_of(house), stdout=log, stderr=log
    )


@contextmanager
def started(house: str, database: str, log: Path) -> Iterator[Running]:
    """A sandbox that is ready. Its data stay."""
    with log.open("ab") as file, httpx.Client(base_url=f"http://127.0.0.1:{PORT}", timeout=30) as http:
        sandbox = _manage(house, "sandbox", "up", log=file)

        def ready() -> bool:
            assert sandbox.poll() is None, log.read_text()
            try:
                return http.get("/readyz").status_code == 200
            except httpx.TransportError:
                return False

        try:
            wait_until(ready, 150, "the sandbox to be ready")
            yield Running(http, database, house, sandbox)
        finally:
            if sandbox.poll() is None:
                sandbox.send_signal(signal.SIGINT)
                sandbox.wait(60)


def reset(house: str, log: Path) -> None:
    with log.open("ab") as file:
        assert _manage(house, "sandbox", "reset", log=file).wait(60) == 0, log.read_text()
