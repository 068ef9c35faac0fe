"""A running sandbox as its clients see it: the front door's API, as methods. Nothing here uses internals."""

import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx
from django.utils.text import slugify

T = TypeVar("T")
CUSTOMERS = (99, 123, 1042)  # of the demo
ROW = 17  # seats in a row of a hall made for a run
MOST_ROWS = 100  # in a block of one (seats/schemas)
SETTLED = ("CONFIRMED", "CANCELLED")
POLL_S = 0.1


class NotInTime(TimeoutError):
    """The awaited condition did not come about; the text names it."""


def wait_for(look: Callable[[], T], seconds: float, what: str) -> T:
    """Call `look` until it returns something true, and return that. Raises NotInTime."""
    give_up = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > give_up:
            raise NotInTime(f"after {seconds:g} s still waiting for {what}")
        time.sleep(POLL_S)
    return found


class House:
    """Thread-safe. A missing answer, or a 5xx, counts as none, and the waiting caller asks again."""

    def __init__(self, url: str, token: str = "") -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.url = url.rstrip("/")
        self.http = httpx.Client(base_url=self.url, timeout=30, headers=headers)

    def close(self) -> None:
        self.http.close()

    def get(self, path: str) -> Any:
        """The JSON at `path`; None while there is no good answer."""
        try:
            answer = self.http.get(path)
            return answer.json() if answer.is_success else None
        except (httpx.HTTPError, ValueError):
            return None

    def ready(self) -> bool:
        return bool((self.get("/readyz") or {}).get("ready"))

    # Bookings

    def seats(self, performance: str) -> list[dict[str, Any]]:
        return self.get(f"/api/performances/{performance}/seats") or []

    def free_seats(self, performance: str) -> list[str]:
        return [seat["label"] for seat in self.seats(performance) if seat["status"] == "AVAILABLE"]

    def announce(self, title: str, seats: int) -> tuple[str, list[str]]:
        """A separate performance for a run, so that earlier sales do not matter; its id and seats, once all services
        have it. Raises NotInTime."""
        name = f"{slugify(title)}-{uuid.uuid4().hex[:8]}"
        width = max(min(seats, ROW), -(-seats // MOST_ROWS))
        rows = [f"R{number}" for number in range(1, -(-seats // width) + 1)]
        block = {"section": "Hall", "rows": rows, "seats_a_row": width, "price": 150_000}
        starts_at = (datetime.now(UTC) + timedelta(days=30)).isoformat()
        hall = {"id": name, "title": title, "venue": f"Hall of {name}", "starts_at": starts_at, "currency": "KRW"}
        self._insist("/api/performances", {**hall, "blocks": [block]}, name, done=409)
        wait_for(lambda: len(self.seats(name)) >= seats, 60, f"the seat map of {name}")
        wait_for(lambda: self._is_on_sale(name), 60, f"the booking service to know {name}")
        return name, self.free_seats(name)[:seats]

    def _is_on_sale(self, performance: str) -> bool:
        """Whether the replica has the performance: then only the seat can be unknown."""
        body = {"performance": performance, "seats": ["none"], "customer": CUSTOMERS[0], "payment_method": "tok_visa"}
        try:
            answer = self.http.post("/api/bookings", json=body, headers={"Idempotency-Key": str(uuid.uuid4())})
            return bool(answer.json().get("title") == "Unknown seat")
        except (httpx.HTTPError, ValueError):
            return False

    def place(self, performance: str, seats: list[str], customer: int, method: str = "tok_visa", key: str = "") -> str:
        """Place a booking, repeating the request with the same key until it is answered; returns its id."""
        body = {"performance": performance, "seats": seats, "customer": customer, "payment_method": method}
        return str(self._insist("/api/bookings", body, key or str(uuid.uuid4()))["id"])

    def cancel(self, booking: str, customer: int) -> None:
        self._insist(f"/api/bookings/{booking}/cancel", {"customer": customer}, str(uuid.uuid4()))

    def _insist(self, path: str, body: dict[str, Any], key: str, done: int = 0) -> Any:
        """`done`: the status which shows that an earlier attempt, whose answer got lost, had succeeded."""

        def answered() -> Any:
            try:
                answer = self.http.post(path, json=body, headers={"Idempotency-Key": key})
            except httpx.HTTPError:
                return None
            if answer.status_code >= 500:
                return None
            if not answer.is_success and answer.status_code != done:
                raise RuntimeError(f"POST {path}: {answer.status_code} {answer.text}")
            return answer.json()

        return wait_for(answered, 90, f"an answer to POST {path}")

    def booking(self, booking: str) -> dict[str, Any]:
        """The read model's row; {} while there is none."""
        return self.get(f"/api/bookings/{booking}") or {}

    def saga(self, booking: str, saga: str = "") -> dict[str, Any]:
        """The booking's newest saga (or this one), from the service that owns it; {} while there is no answer."""
        return self.get(f"/api/bookings/{booking}/saga{f'?saga={saga}' if saga else ''}") or {}

    # Faults

    def arm(self, **fault: Any) -> str:
        """Arm a fault; returns its id."""
        answer = self.http.post("/api/faults", json=fault)
        if answer.status_code != 201:
            raise RuntimeError(f"cannot arm {fault}: {answer.status_code} {answer.text}")
        return str(answer.json()["id"])

    def is_told(self, fault: str) -> bool:
        """Whether the services know of it: until Redis answers the control process they do not."""
        return bool(self.fault(fault).get("told"))

    def fault(self, fault: str) -> dict[str, Any]:
        """Its outcome; {} while that is unknown."""
        listed = (self.get("/api/faults") or {}).get("faults", [])
        return next((one for one in listed if one["id"] == fault), {})

    def resume(self, fault: str) -> int:
        answer = self.http.post(f"/api/faults/{fault}/resume")
        return int(answer.json()["released"]) if answer.is_success else 0

    def clear(self, fault: str) -> None:
        """Clear it, and take it off the list."""
        for _ in range(2):
            try:
                self.http.delete(f"/api/faults/{fault}")
            except httpx.HTTPError:
                return

    def clear_all(self) -> None:
        for _ in range(2):
            wait_for(lambda: self.http.delete("/api/faults").is_success, 30, "the faults to be cleared")

    def switch(self, **mechanisms: bool) -> None:
        self.http.put("/api/mechanisms", json=mechanisms).raise_for_status()

    def switches(self) -> dict[str, bool]:
        """{mechanism: whether it is on}. Raises NotInTime."""
        found = wait_for(lambda: self.get("/api/mechanisms"), 30, "the safety mechanisms")
        return {one["name"]: one["on"] for one in found["mechanisms"]}

    def verdict(self) -> dict[str, Any]:
        return self.get("/api/verdict") or {}
