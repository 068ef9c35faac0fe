"""Buyers: each books, double-clicks, reads, renames, cancels, by seeded random choices; all requests and answers go
into the history."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from typing import Any

import httpx

from proofs.history import Entry, Recorder
from proofs.house import CUSTOMERS, SETTLED, House

TRIES_S = 25.0  # how long a buyer asks again for an answer, with the same key
WATCH_S = 20.0  # how long one waits for the booking to settle
# the share that wants what the previous buyer wants, at the same moment: by chance alone, races would be rare
RIVALS = 0.3


@dataclass(frozen=True, kw_only=True)
class Market:
    """The seats for sale. `run` makes the keys of different runs different."""

    run: str
    seed: int
    performance: str
    seats: list[str]
    bookings: int


class Buyers:
    """`run(width)` lets `width` buyers at a time in; `placed` counts those who have asked."""

    def __init__(self, house: House, recorder: Recorder, market: Market) -> None:
        self.house, self.recorder, self.market = house, recorder, market
        self.placed = 0
        self._lock = threading.Lock()

    def run(self, width: int, progress: Any = None) -> None:
        def one(number: int) -> None:
            _Buyer(self, number).live()
            with self._lock:
                self.placed += 1
            if progress:
                progress()

        with ThreadPoolExecutor(width, thread_name_prefix="buyer") as pool:
            list(pool.map(one, range(self.market.bookings)))


def wanted(market: Market, number: int) -> list[str]:
    """The seats that buyer `number` wants: often those of the buyer before. The same in every run of the same seed."""
    while number and Random(f"{market.seed}/rival/{number}").random() < RIVALS:  # noqa: S311 (dice of a game)
        number -= 1
    dice = Random(f"{market.seed}/seats/{number}")  # noqa: S311
    return sorted(dice.sample(market.seats, min(dice.choice((1, 1, 2)), len(market.seats))))


class _Buyer:
    def __init__(self, buyers: Buyers, number: int) -> None:
        self.house, self.recorder, self.market = buyers.house, buyers.recorder, buyers.market
        self.number = number
        self.dice = Random(f"{self.market.seed}/{number}")  # noqa: S311 (dice of a game, to be thrown again)
        self.customer = self.dice.choice(CUSTOMERS)
        self.key = f"{self.market.run}-{number}"

    def live(self) -> None:
        dice = self.dice
        if dice.random() < 0.08:
            self._rename()
        booking = self._book()
        if not booking:
            return
        for _ in range(dice.randint(0, 3)):
            self._read(booking)
            time.sleep(dice.uniform(0, 0.3))
        mood = dice.random()
        if mood < 0.2 or (mood < 0.35 and self._watch(booking) == "CONFIRMED"):
            self._cancel(booking)
        elif mood < 0.5:
            self._watch(booking)

    def _book(self) -> str:
        dice, market = self.dice, self.market
        method = "tok_declined" if dice.random() < 0.1 else "tok_visa"
        seats = wanted(market, self.number)
        asked = {"performance": market.performance, "seats": seats, "customer": self.customer}
        body = {**asked, "payment_method": method}

        def ask() -> Entry:
            return self._ask("book", "POST", "/api/bookings", body, self.key, **asked)

        twin = threading.Thread(target=ask) if dice.random() < 0.15 else None  # a double click
        if twin:
            twin.start()
        end = self._until_answered(ask)
        if twin:
            twin.join()
        return str(end.get("booking", ""))

    def _cancel(self, booking: str) -> None:
        path, key = f"/api/bookings/{booking}/cancel", f"{self.key}-cancel"
        body = {"customer": self.customer}
        self._until_answered(lambda: self._ask("cancel", "POST", path, body, key, booking=booking))

    def _read(self, booking: str) -> str:
        source = self.dice.choice(("truth", "view"))
        path = f"/api/bookings/{booking}" + ("/saga" if source == "truth" else "")
        return str(self._ask("read", "GET", path, booking=booking, source=source).get("state", ""))

    def _watch(self, booking: str) -> str:
        give_up = time.monotonic() + WATCH_S
        while (state := self._read(booking)) not in SETTLED and time.monotonic() < give_up:
            time.sleep(0.4)
        return state

    def _rename(self) -> None:
        """Compare and set: the version seen goes with the new name, so of two who saw the same one fails."""
        path = f"/api/customers/{self.customer}"
        seen = self._ask("read_customer", "GET", path, customer=self.customer)
        if "version" in seen:
            time.sleep(self.dice.uniform(0, 0.1))
            body = {"name": f"Buyer {self.key}", "version": seen["version"]}
            self._ask("rename", "PATCH", path, body, f"{self.key}-name", customer=self.customer, **body)

    def _until_answered(self, ask: Any) -> Entry:
        give_up, pause = time.monotonic() + TRIES_S, 0.2
        while True:
            end: Entry = ask()
            if end["kind"] != "unknown" or time.monotonic() > give_up:
                return end
            time.sleep(pause)
            pause = min(pause * 2, 2)

    def _ask(
        self, what: str, method: str, path: str, body: dict[str, Any] | None = None, key: str = "", **asked: Any
    ) -> Entry:
        """One operation, recorded before it is sent and after it has ended."""
        number = self.recorder.invoke(what, **asked, **({"key": key} if key else {}))
        headers = {"Idempotency-Key": key} if key else {}
        try:
            answer = self.house.http.request(method, path, json=body, headers=headers, timeout=15)
        except httpx.HTTPError as error:
            return self.recorder.write("unknown", op=number, why=type(error).__name__)
        if answer.status_code >= 500:
            return self.recorder.write("unknown", op=number, status=answer.status_code)
        if not answer.is_success:
            return self.recorder.write("failed", op=number, status=answer.status_code)
        return self.recorder.write("answered", op=number, status=answer.status_code, **_said(what, answer.json()))


def _said(what: str, answer: dict[str, Any]) -> dict[str, Any]:
    """The part of an answer that the checker uses."""
    match what:
        case "book":
            return {"booking": answer["id"]}
        case "read":
            return {"state": answer.get("booking_state") or answer["state"]}
        case "rename" | "read_customer":
            return {"name": answer["name"], "version": answer["version"]}
    return {"state": answer["state"]}
