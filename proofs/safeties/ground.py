"""What a play of a safety mechanism acts on: the sandbox, by its API, its messages and its databases."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from redis import Redis

from proofs import running
from proofs.house import CUSTOMERS, House, wait_for
from proofs.nemesis import lasting
from sandbox.layout import Layout
from topology.processes import HOUSE

CUSTOMER = CUSTOMERS[1]
WITHIN_S = 60.0  # how long each step of a play may take on a busy machine


@dataclass(frozen=True)
class Ground:
    """`say` gets each step in words, before it is made."""

    layout: Layout
    house: House
    say: Callable[[str], None]

    def free_seat(self) -> tuple[str, str]:
        """A performance that has not begun, and its last free seat. Raises LookupError."""
        now = datetime.now(UTC)
        for one in self.house.get("/api/performances") or []:
            if datetime.fromisoformat(one["starts_at"]) > now and (free := self.house.free_seats(one["id"])):
                return one["id"], free[-1]
        raise LookupError("no performance to come has a free seat")

    def place(self, performance: str, seat: str, key: str = "") -> str:
        return self.house.place(performance, [seat], CUSTOMER, key=key)

    @contextmanager
    def armed(self, **fault: Any) -> Iterator[str]:
        """Within the block the fault is armed, and the services know of it."""
        armed = self.house.arm(**fault)
        try:
            self.until(lambda: self.house.is_told(armed), "the services to know of the fault")
            yield armed
        finally:
            self.house.clear(armed)

    def until_ended(self, *bookings: str) -> None:
        """Until the read model shows each of them as ended."""
        done = ("CONFIRMED", "CANCELLED")
        self.until(lambda: all(self.house.booking(one).get("state") in done for one in bookings), "the bookings to end")

    def until(self, look: Callable[[], Any], what: str, seconds: float = WITHIN_S) -> Any:
        """What `look` returns, once it is true. Raises NotInTime."""
        return wait_for(look, seconds, what)

    def rows(self, service: str, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.transaction(service) as connection:
            return connection.execute(sql.encode(), values or None).fetchall()

    @contextmanager
    def transaction(self, service: str) -> Iterator[psycopg.Connection]:
        """A transaction of the owner of this service's database, which ends with the block."""
        database = HOUSE.database_of(service)
        url = lasting.environments(self.layout).url(database, database.owner)
        with psycopg.connect(url, connect_timeout=5) as connection:
            yield connection

    @contextmanager
    def redis(self) -> Iterator[Redis]:
        with Redis.from_url(running.values(self.layout, HOUSE.orchestrator.name)["REDIS_URL"]) as client:
            yield client
