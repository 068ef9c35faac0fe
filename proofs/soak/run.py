"""Booking at a rate and looking at the gauges. One booking in ten is cancelled; before a hall is sold out there is another."""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from proofs.house import CUSTOMERS, House
from proofs.soak.gauges import Gauges, Look

HALL = 2000  # seats
LOW = 1000  # seats left: time for another hall
CANCELLED = 10  # one in so many
SAMPLES = 120  # at most so many looks, however long it takes
LEAST_S = 2.0
CANCEL_AFTER_S = 8.0


class Soak:
    """`run()` returns {"rate", "minutes", "answers": {status: n}, "behind_s", "looks": [...]}.

    `behind_s`: how late a booking was sent, at worst: if it grows, the rate is higher than the sandbox can handle.
    """

    def __init__(self, house: House, gauges: Gauges, rate: float, minutes: float) -> None:
        self.house, self.gauges, self.rate, self.minutes = house, gauges, rate, minutes
        self.answers: Counter[str] = Counter()
        self.behind = 0.0
        self._seats: deque[tuple[str, str]] = deque()  # (performance, label)
        self._lock = threading.Lock()
        self._announce()

    def run(self, progress: Callable[[float], Any] = lambda share: None) -> dict[str, Any]:
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
            with ThreadPoolExecutor(32) as pool, ThreadPoolExecutor(1) as programme:
                self._send(pool, programme, began, length, progress)
        finally:
            over.set()
            watching.join()
        return {
            "rate": self.rate, "minutes": self.minutes, "answers": dict(self.answers), "behind_s": round(self.behind, 2),
            "looks": looks,
        }  # fmt: skip

    def _send(
        self,
        pool: ThreadPoolExecutor,
        programme: ThreadPoolExecutor,
        began: float,
        length: float,
        progress: Callable[[float], Any],
    ) -> None:
        """An open loop: the next request is due by the clock, whether or not the last one was answered."""
        unwanted: deque[tuple[float, str, int]] = deque()  # (when it is cancelled, booking, customer)
        announced = programme.submit(int)
        for number in range(int(self.rate * length)):
            due = began + number / self.rate
            time.sleep(max(0.0, due - time.monotonic()))
            while unwanted and unwanted[0][0] < time.monotonic():
                _, booking, customer = unwanted.popleft()
                pool.submit(self._cancel, booking, customer)
            if len(self._seats) < LOW and announced.done():
                announced.result()
                announced = programme.submit(self._announce)
            if self._seats:
                kept = unwanted if number % CANCELLED == 0 else None
                pool.submit(self._book, due, *self._seats.popleft(), CUSTOMERS[number % len(CUSTOMERS)], kept)
            else:
                self._count("no free seat")
            progress((time.monotonic() - began) / length)

    def _announce(self) -> int:
        performance, labels = self.house.announce("Soak", HALL)
        self._seats.extend((performance, label) for label in labels)
        return len(labels)

    def _book(
        self, due: float, performance: str, seat: str, customer: int, unwanted: deque[tuple[float, str, int]] | None
    ) -> None:
        with self._lock:
            self.behind = max(self.behind, time.monotonic() - due)
        body = {"performance": performance, "seats": [seat], "customer": customer, "payment_method": "tok_visa"}
        answer = self._post("/api/bookings", body, f"soak-{performance}-{seat}")
        if answer is not None and unwanted is not None:
            unwanted.append((time.monotonic() + CANCEL_AFTER_S, str(answer["id"]), customer))

    def _cancel(self, booking: str, customer: int) -> None:
        self._post(f"/api/bookings/{booking}/cancel", {"customer": customer}, f"soak-cancel-{booking}")

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
