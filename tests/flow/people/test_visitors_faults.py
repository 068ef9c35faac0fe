"""Off this machine: a visitor breaks their own bookings, and ends no fault but what they armed."""

import uuid
from collections.abc import Iterator

import httpx
import pytest

from tests.flow.people.visiting import CUSTOMER, PERFORMANCE, place, plan, visitor
from tests.live import Live

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def owner(live: Live) -> Iterator[httpx.Client]:
    with visitor(live) as client:
        yield client


@pytest.fixture
def stranger(live: Live) -> Iterator[httpx.Client]:
    with visitor(live, "192.0.2.8") as client:
        yield client


def test_a_visitor_breaks_their_own_next_booking_and_clears_only_what_they_armed(
    live: Live, owner: httpx.Client, stranger: httpx.Client
) -> None:
    assert "armed, once" in owner.post("/faults/card_declined").text
    try:
        (armed,) = [one for one in plan(live) if one["name"] == "card_declined" and one["state"] == "armed"]
        assert "armed, once" not in stranger.get("/faults").text
        assert f"clear-{armed['id']}" in owner.get("/faults").text
        assert f"clear-{armed['id']}" not in stranger.get("/faults").text
        assert stranger.delete(f"/api/faults/{armed['id']}").status_code == 403
        assert place(live, stranger, live.free_seats(1, PERFORMANCE)[0]), "somebody else's is spared"
        body = {"performance": PERFORMANCE, "seats": live.free_seats(1, PERFORMANCE), "customer": CUSTOMER,
                "payment_method": "tok_visa"}  # fmt: skip
        answer = owner.post("/api/bookings", json=body, headers={"Idempotency-Key": str(uuid.uuid4())})
        assert [row["reason"] for row in live.ended(answer.json()["id"])] == ["card_declined"]
    finally:
        live.http.delete("/api/faults")


def test_a_visitor_arms_for_a_booking_of_theirs_and_nobody_else_does(
    live: Live, owner: httpx.Client, stranger: httpx.Client
) -> None:
    booking = place(live, owner, live.free_seats(1, PERFORMANCE)[0])
    hold = {"point": "relay.before_publish", "action": "hold", "service": "booking", "booking": booking}
    try:
        mine = owner.post("/api/faults", json=hold)
        assert mine.status_code == 201, mine.text
        assert stranger.post("/api/faults", json=hold).status_code == 403
        address = f"/api/faults/{mine.json()['id']}"
        assert stranger.post(f"{address}/resume").status_code == 403
        assert owner.post(f"{address}/resume").json() == {"released": 0}
        assert owner.delete(address).status_code == 200
        form = {"service": "payments", "place": "payments", "point": "bus", "action": "drop", "for": "mine"}
        assert "Operators only" in owner.post("/rail/arm", data=form | {"for": "any"}).text
        assert "my next booking" in owner.post("/rail/arm", data=form).text
    finally:
        live.http.delete("/api/faults")
