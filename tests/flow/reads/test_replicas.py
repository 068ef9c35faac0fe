"""Ticket's copies in the running sandbox: they follow, say how stale they are, and answer at the door with Booking down."""

import json
import subprocess
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import errors

from tests.live import Live
from tests.waiting import wait_until
from tickets.topology import REPLICATOR

pytestmark = pytest.mark.timeout(180)
ANA = 1042


@pytest.fixture(scope="module")
def door(live: Live) -> Iterator[httpx.Client]:
    """Ticket's API, with the replicator running."""
    started = live.command("sandbox", "start", REPLICATOR.name)
    assert started.returncode == 0, started.stdout + started.stderr
    url = f"http://127.0.0.1:{live.sandbox.layout.ports['api-tickets']}"
    with httpx.Client(base_url=url, timeout=30) as client:
        wait_until(lambda: [one["events"] for one in replicas(client)] == [0, 0] and filled(client), 60, "full copies")
        yield client
    live.http.delete("/api/faults")
    stopped = live.command("sandbox", "stop", REPLICATOR.name)
    assert stopped.returncode == 0, stopped.stdout + stopped.stderr


def replicas(client: httpx.Client) -> list[dict[str, Any]]:
    return list(client.get("/api/tickets/replicas").json()["replicas"])


def filled(client: httpx.Client) -> bool:
    return all(one["filled"] for one in replicas(client))


def listed(client: httpx.Client) -> dict[str, Any]:
    answer = client.get("/api/tickets/door-list", params={"performance": "studio-night"})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def row_of(client: httpx.Client, booking: str) -> dict[str, Any]:
    return next((row for row in listed(client)["rows"] if row["booking_id"] == booking), {})


def rename(live: Live, name: str) -> None:
    url = f"http://127.0.0.1:{live.sandbox.layout.ports['api-booking']}/api/customers/{ANA}"
    answer = httpx.patch(url, json={"name": name}, headers={"Idempotency-Key": str(uuid.uuid4())})
    assert answer.status_code == 200, answer.text


def stored(client: httpx.Client) -> dict[str, Any]:
    return dict(client.get(f"/api/tickets/replicas/customers/{ANA}").json())


def command(live: Live, *arguments: str) -> subprocess.CompletedProcess[str]:
    return live.command("replicas", *arguments)


def test_the_door_opens_with_booking_down(live: Live, door: httpx.Client) -> None:
    (seat,) = live.free_seats(1, "studio-night")
    before = stored(door)["bookings"]
    booking = live.place([seat], customer=ANA)
    live.ended(booking)
    wait_until(lambda: stored(door)["bookings"] == before + 1, 30, "the count")
    live.arm(point="api", action="down", service="booking", trigger={"kind": "times", "times": 1000})
    booking_url = f"http://127.0.0.1:{live.sandbox.layout.ports['api-booking']}/api/customers/{ANA}"
    wait_until(lambda: httpx.get(booking_url).status_code == 503, 10, "Booking to be down")
    row = row_of(door, booking)
    assert (row["seat"], row["customer_id"], row["bookings"]) == (seat, ANA, before + 1)
    assert row["customer"]
    assert row["section"]
    path = f"/api/tickets/{row['ticket_id']}/holder"
    refused = door.put(path, params={"check": "api"}, json={"customer_id": 99})
    assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")
    assert door.put(path, params={"check": "replica"}, json={"customer_id": 99}).json()["check"]["known"] is True
    assert row_of(door, booking)["handed_over"]
    live.http.delete("/api/faults")
    wait_until(lambda: httpx.get(booking_url).status_code == 200, 10, "Booking to be back")
    by_api = door.put(path, params={"check": "api"}, json={"customer_id": 99}).json()
    assert by_api["check"]["calls"] == 1


def test_a_paused_replicator_shows_its_age_and_then_catches_up(live: Live, door: httpx.Client) -> None:
    fault = live.arm(point="projector.before", action="pause", service=REPLICATOR.name)
    rename(live, "Ana Maria")
    behind = wait_until(lambda: [one for one in replicas(door) if one["events"]], 20, "an unread event")
    assert [one["name"] for one in behind] == ["customers"]
    wait_until(lambda: replicas(door)[0]["ms"] > 500, 20, "its age to grow")
    assert stored(door)["name"] != "Ana Maria"
    live.http.delete(f"/api/faults/{fault}")
    wait_until(lambda: stored(door)["name"] == "Ana Maria", 20, "the new name")
    wait_until(lambda: replicas(door)[0]["events"] == 0, 20, "nothing unread")


def test_not_even_ticket_itself_writes_a_copy_and_the_replicator_makes_it_again(live: Live, door: httpx.Client) -> None:
    url = live.sandbox.environments.control()["DATABASE_URL_TICKETS"]
    with psycopg.connect(url, autocommit=True) as owner:
        for statement in ("update tickets_customerreplica set name = 'x'", "truncate tickets_seatreplica"):
            with pytest.raises(errors.InsufficientPrivilege) as refused:
                owner.execute(statement.encode())
            assert refused.value.sqlstate == "42501"
        with owner.transaction():  # a mistake that only a grant lets happen
            owner.execute("grant update on tickets_customerreplica to current_user")
            owner.execute("update tickets_customerreplica set name = 'wrong'")
            owner.execute("revoke update on tickets_customerreplica from current_user")
    assert stored(door)["name"] == "wrong"
    done = command(live, "rebuild", "customers", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["events"] > 3
    assert stored(door)["name"] == "Ana Maria"
    told = [json.loads(line) for line in command(live, "--json").stdout.splitlines()]
    assert [(one["name"], one["filled"]) for one in told] == [("customers", True), ("seats", True)]


def test_no_password_hash_is_anywhere_but_in_its_table(live: Live, door: httpx.Client) -> None:
    """In all databases of a sandbox that has worked, as their owners see them."""
    hashes = [value for (value,) in live.rows("booking", "select password_hash from booking_credential")]
    assert len(hashes) == 3
    for alias in ("booking", "seats", "payments", "tickets", "projections", "journal"):
        tables = live.rows(alias, "select tablename from pg_tables where schemaname = 'public'")
        for (table,) in tables:
            if table == "booking_credential":
                continue
            found = live.rows(alias, f"select count(*) from {table} t where t::text like any (%s)",
                              [f"%{one}%" for one in hashes])  # fmt: skip
            assert found == [(0,)], f"{alias}: {table}"
    named = live.rows(
        "tickets", "select count(*) from tickets_customerreplica t where t::text like '%ana@example.com%'"
    )
    assert named == [(1,)], "the search finds what is there"
