"""Booking at a rate and looking at the gauges: each booking is cancelled once it is confirmed, so there are always free seats."""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from proofs.house import CUSTOMERS, House
from proofs.soak.gauges import Gauges, Look

SEATS = 2000  # more than are taken at a time
SAMPLES = 120  # at most so many looks, however long it takes
LEAST_S = 2.0
CANCEL_AFTER_S = 8.0


class Soak:
    """`run()` returns {"rate", "minutes", "answers": {status: n}, "late": ms at worst behind the rate, "looks": [...]}."""

    def __init__(self, house: House, gauges: Gauges, rate: float, minutes: float) -> None:
        self.house, self.gauges, self.rate, self.minutes = house, gauges, rate, minutes
        self.answers: Counter[str] = Counter()
        self.behind = 0.0
        self.performance, seats = house.announce("Soak", SEATS)
        self._seats = deque(seats)
        self._lock = threading.Lock()

    def run(self, told: Callable[[float], Any] = lambda share: None) -> dict[str, Any]:
        length = self.minutes * 60
        pause = max(length / SAMPLES, LEAST_S)
        began, looks, over = time.monotonic(), [], threading.Event()

        def watch() -> None:
            while True:
                looks.append({"at": round(time.monotonic() - began, 1), **self.gauges.look()})
                if over.wait(pause):
                    return

        watching = threading.Thread(target=watch)
        watching.start()
        try:
            with ThreadPoolExecutor(32) as pool:
                self._send(pool, began, length, told)
        finally:
            over.set()
            watching.join()
        return {
            "rate": self.rate, "minutes": self.minutes, "answers": dict(self.answers), "behind_s": round(self.behind, 2),
            "looks": looks,
        }  # fmt: skip

    def _send(self, pool: ThreadPoolExecutor, began: float, length: float, told: Callable[[float], Any]) -> None:
        """An open loop: the next request is due by the clock, whether or not the last one was answered."""
        placed: deque[tuple[float, str, str, int]] = deque()
        for number in range(int(self.rate * length)):
            due = began + number / self.rate
            now = time.monotonic()
            self.behind = max(self.behind, now - due)
            if due > now:
                time.sleep(due - now)
            while placed and placed[0][0] < time.monotonic():
                _, booking, seat, customer = placed.popleft()
                pool.submit(self._cancel, booking, seat, customer)
            if self._seats:
                pool.submit(self._book, self._seats.popleft(), CUSTOMERS[number % len(CUSTOMERS)], placed)
            else:
                self.answers["no free seat"] += 1
            told((time.monotonic() - began) / length)

    def _book(self, seat: str, customer: int, placed: deque[tuple[float, str, str, int]]) -> None:
        body = {"performance": self.performance, "seats": [seat], "customer": customer, "payment_method": "tok_visa"}
        answer = self._post("/api/bookings", body, f"soak-{time.time_ns()}-{seat}")
        if answer is not None:
            placed.append((time.monotonic() + CANCEL_AFTER_S, str(answer["id"]), seat, customer))
        else:
            self._seats.append(seat)

    def _cancel(self, booking: str, seat: str, customer: int) -> None:
        self._post(f"/api/bookings/{booking}/cancel", {"customer": customer}, f"soak-cancel-{booking}")
        self._seats.append(seat)

    def _post(self, path: str, body: dict[str, Any], key: str) -> Any:
        try:
            answer = self.house.http.post(path, json=body, headers={"Idempotency-Key": key})
        except httpx.HTTPError as error:
            self._count(type(error).__name__)
            return None
        self._count(str(answer.status_code))
        return answer.json() if answer.is_success else None

    def _count(self, what: str) -> None:
        with self._lock:
            self.answers[what] += 1


def slopes(looks: list[Look]) -> dict[str, tuple[float, float]]:
    """Gauge -> (its mean in the second quarter, its mean in the last): what is level has two equal numbers."""
    names = sorted({name for look in looks for name in look if name != "at"})
    found = {}
    for name in names:
        values = [look[name] for look in looks if name in look]
        quarter = max(len(values) // 4, 1)
        second, last = values[quarter : 2 * quarter] or values, values[-quarter:]
        found[name] = (round(sum(second) / len(second), 2), round(sum(last) / len(last), 2))
    return found
