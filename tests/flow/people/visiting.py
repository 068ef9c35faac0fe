"""A visitor off this machine, another one, and all that may show what they booked."""

import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.live import Live
from tests.waiting import wait_until

CUSTOMER, NAME = 1042, "Anastasia Quillfeather"
PERFORMANCE = "studio-night"


@dataclass
class World:
    """A visitor's bookings, one of them refunded and void, and every secret word of theirs."""

    live: Live
    owner: httpx.Client
    stranger: httpx.Client
    booking: str
    cancelled: str
    first: int  # the journal's position before them
    secrets: dict[str, str]
    code: str

    def everything(self, client: httpx.Client, moments: bool) -> dict[str, str]:
        """{address: answer} of every page and GET that may show a booking; with `moments`, of each entry too."""
        texts = {}
        for address in [*self._addresses(), *(self._moments() if moments else ())]:
            answer = client.get(address)
            assert answer.status_code < 500, (address, answer.status_code)
            texts[address] = answer.text
        return texts

    def _addresses(self) -> list[str]:
        run = self.live.http.get("/api/runs").json()["runs"][0]["id"]
        ours = [
            address.format(id=one)
            for one in (self.booking, self.cancelled)
            for address in ("/?booking={id}", "/bookings/{id}", "/bookings/{id}/panel", "/bookings/{id}/panel?back=1",
                            "/api/bookings/{id}", "/api/bookings/{id}/saga", f"/replay/{run}?booking={{id}}",
                            "/bookings?q={id}", "/replay/diagram?booking={id}", f"/replay/{run}/moment?booking={{id}}")
        ]  # fmt: skip
        apis = [f"/api/{service}/events?limit=5000" for service in ("booking", "seats", "payments", "tickets")]
        apis += [f"/api/{service}/dead-letters" for service in ("booking", "seats", "payments", "tickets")]
        payment = self.secrets["payment"]
        return [
            *ours, *apis, "/", f"/?performance={PERFORMANCE}", "/bookings", f"/bookings?customer={CUSTOMER}", "/bookings/recent",
            f"/bookings?q={NAME[:9]}", "/bookings/newest/panel", "/customers", f"/customers?q={NAME[:9]}",
            f"/customers/{CUSTOMER}",
            f"/customers/{CUSTOMER}/names", f"/tickets/{self.code}", "/sales", "/console", "/operate", "/operate/work", "/matrix",
            "/matrix/grid", "/replay", "/replay/runs", f"/replay/{run}", f"/replay/{run}/schedule", f"/replay/{run}/check",
            "/replay/check", f"/replay/diagram?run={run}", f"/replay/diagram?q={payment[:30]}", "/replay/diagram", "/verdict",
            f"/replay/of?pos={self.first}",
            "/faults", "/rail/form", "/rail/outages", "/rail/mechanisms", "/opening", "/live/head",
            f"/live/entries?after={self.first}&epoch={self.live.http.get('/live/head').json()['epoch']}&log=1",
            "/api/customers", f"/api/customers/{CUSTOMER}", "/api/performances", f"/api/performances/{PERFORMANCE}/seats",
            "/api/verdict", "/api/replay/check", "/api/runs", f"/api/runs/{run}", f"/api/runs/{run}/export", "/api/faults",
            "/api/faults/points", "/api/mechanisms", "/api/operator/stuck", "/healthz", "/readyz", "/api/openapi.json",
        ]  # fmt: skip

    def _moments(self) -> Iterator[str]:
        """Each entry of theirs, as details, as a moment of the stage, and of the run."""
        run = self.live.http.get("/api/runs").json()["runs"][0]["id"]
        found = self.live.rows(
            "journal", "select pos, correlation from journal_mention where tape = 0 and correlation = any(%s)",
            [self.booking, self.cancelled],
        )  # fmt: skip
        for number, (pos, booking) in enumerate(sorted(found)):
            yield f"/bookings/{booking}/entries/{pos}"
            if number % 8 == 0 or (pos, booking) == max(found):
                yield f"/bookings/{booking}/panel?pos={pos}"
                yield f"/replay/{run}/moment?pos={pos}"
        yield f"/?booking={self.booking}&pos={found[-1][0] if found[-1][1] == self.booking else found[0][0]}"


def visitor(live: Live, address: str = "192.0.2.7") -> closing[httpx.Client]:
    """A browser on another machine, after its first page."""
    client = httpx.Client(base_url=live.url, timeout=60, headers={"X-Forwarded-For": address, "Origin": live.url})
    assert client.get("/").status_code == 200
    client.headers["X-CSRFToken"] = client.cookies["csrftoken"]
    return closing(client)


def place(live: Live, client: httpx.Client, seat: str) -> str:
    body = {"performance": PERFORMANCE, "seats": [seat], "customer": CUSTOMER, "payment_method": "tok_visa"}
    answer = client.post("/api/bookings", json=body, headers={"Idempotency-Key": str(uuid.uuid4())})
    assert answer.status_code == 202, answer.text
    (row,) = live.ended(answer.json()["id"])
    assert row["state"] == "CONFIRMED"
    return str(row["id"])


@pytest.fixture(scope="module")
def world(live: Live) -> Iterator[World]:
    renamed = live.http.patch(
        f"/api/customers/{CUSTOMER}", json={"name": NAME}, headers={"Idempotency-Key": str(uuid.uuid4())}
    )
    assert renamed.status_code == 200, renamed.text
    wait_until(lambda: NAME in live.http.get(f"/customers?q={NAME}").text, 30, "the views to hear the name")
    first = live.http.get("/live/head").json()["pos"]
    with visitor(live) as owner, visitor(live, "192.0.2.8") as stranger:
        one, other = live.free_seats(2, PERFORMANCE)
        booking, cancelled = place(live, owner, one), place(live, owner, other)
        answer = owner.post(
            f"/api/bookings/{cancelled}/cancel",
            json={"customer": CUSTOMER},
            headers={"Idempotency-Key": str(uuid.uuid4())},
        )
        assert answer.status_code == 202, answer.text
        wait_until(lambda: live.booking(cancelled)["state"] == "CANCELLED", 30, "the booking to be cancelled")
        wait_until(lambda: live.booking(cancelled)["tickets_status"] == "VOIDED", 30, "the view to know it")
        codes = live.rows(
            "tickets", "select code from tickets_ticket where issuance_id = any(%s::uuid[])", [booking, cancelled]
        )
        payments = live.rows(
            "payments", "select id::text from payments_payment where booking_id = any(%s::uuid[])", [booking, cancelled]
        )
        (refund,) = live.rows(
            "payments", "select r.id::text from payments_refund r join payments_payment p on p.id = r.payment_id "
            "where p.booking_id = %s::uuid", cancelled,
        )  # fmt: skip
        email = live.http.get(f"/api/customers/{CUSTOMER}").json()["email"]
        secrets = {"name": NAME, "e-mail": email, "code": codes[0][0], "void code": codes[1][0], "payment": payments[0][0],
                   "returned payment": payments[1][0], "refund": refund[0]}  # fmt: skip
        yield World(live, owner, stranger, booking, cancelled, first, secrets, codes[0][0])


def plan(live: Live) -> list[dict[str, Any]]:
    """What is armed, or was."""
    return list(live.http.get("/api/faults").json()["faults"])


def shown(world: World, client: httpx.Client, moments: bool = False) -> dict[str, list[str]]:
    """{secret: the addresses that show it}."""
    texts = world.everything(client, moments)
    return {
        what: [address for address, text in texts.items() if word in text.replace(address, "")]
        for what, word in world.secrets.items()
    }
