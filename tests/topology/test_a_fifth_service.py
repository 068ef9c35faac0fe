"""A service that no product file names: joined to the house by one line, it boots, is journaled, drawn, struck, and audited."""

import uuid
from collections.abc import Iterator

import pytest

from audit.reader import fetch
from tests.topology.running import Running, reset, started
from tests.waiting import wait_until

pytestmark = [pytest.mark.proof, pytest.mark.timeout(240)]


@pytest.fixture(
    scope="module", params=[("house", "vouchers"), ("shared_house", "payments")], ids=lambda param: param[0]
)
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """With an instance of its own; and with its tables in Payment's database."""
    house, database = request.param
    log = tmp_path_factory.mktemp("fifth") / "log"
    try:
        with started(house, database, log) as running:
            yield running
    finally:
        reset(house, log)


def test_its_three_programs_run(running: Running) -> None:
    parts = running.parts()
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
