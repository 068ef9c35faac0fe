"""When everything is read, and when only what has changed: over real HTTP, with a listener that the test speaks for."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import LazySettings

from audit.running import partial, reading
from audit.running.reading import Readings
from audit.running.scope import Scope
from tests.audit.served import NDJSON, lines, services, views
from tests.audit.world import CONFIRMED, REFUNDED, World
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(databases=["journal"])


class Told:
    """In place of the listener."""

    def __init__(self) -> None:
        self.changed, self.missed = Scope(), False
        self.sources: frozenset[str] = frozenset()

    def take(self) -> tuple[Scope, bool]:
        taken = self.changed, self.missed
        self.changed, self.missed = Scope(), False
        return taken

    def put_back(self, scope: Scope) -> None:
        self.changed |= scope

    def begin(self, horizons: dict[str, int]) -> None:
        self.sources = frozenset(horizons)


class Watched:
    """A world, its readings, and whom they asked for what: (service, whether for everything)."""

    def __init__(self) -> None:
        self.world, self.told = World(), Told()
        self.asked: list[tuple[str, bool]] = []
        self.silent: set[str] = set()
        self.readings = Readings(self.told)  # type: ignore[arg-type]

    def answer(self, service: str, query: dict[str, list[str]]) -> tuple[int, str, bytes]:
        self.asked.append((service, not query))
        if service in self.silent:
            return 503, "text/plain", b""
        return 200, NDJSON, lines(self.world, service, query)

    def read(self, everything: bool = False) -> tuple[str, dict[str, Any]]:
        """The verdict's status, and that on money."""
        self.asked.clear()
        found = self.readings(everything)
        return found["status"], next(one for one in found["invariants"] if one["name"] == "money_conserved")

    @property
    def whole(self) -> bool:
        return any(everything for _, everything in self.asked)

    def charge_more(self, by: int = 50) -> None:
        self.world.row("payments", "payment", CONFIRMED)["amount"] += by


@pytest.fixture
def watched(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    settings.AUDIT_EVERY_S = 300
    one = Watched()

    def shown(scope: Scope | None = None) -> Any:
        return one.world.views() if scope is None else views(one.world, scope)

    monkeypatch.setattr(reading, "views", shown)
    with services(one.answer) as urls:
        settings.API_URLS = urls
        assert one.read()[0] == "holds"
        assert one.whole
        yield one


def test_while_nothing_changes_nobody_is_asked(watched: Watched) -> None:
    assert watched.read()[0] == "holds"
    assert watched.asked == []


def test_what_no_event_names_is_found_by_the_next_reading_of_everything(
    watched: Watched, settings: LazySettings
) -> None:
    watched.charge_more()
    assert watched.read()[0] == "holds"
    settings.AUDIT_EVERY_S = 0
    assert watched.read()[1]["status"] == "violated"
    assert watched.whole


def test_it_is_found_on_request_and_its_repair_without_one(watched: Watched) -> None:
    watched.charge_more()
    assert watched.read(everything=True)[1]["status"] == "violated"
    watched.charge_more(-50)
    assert watched.read()[1]["status"] == "holds"
    assert not watched.whole


def test_what_an_event_names_is_found_without_reading_everything(watched: Watched) -> None:
    watched.charge_more()
    watched.told.changed = Scope(bookings=frozenset([CONFIRMED]))
    assert watched.read()[1]["status"] == "violated"
    assert not watched.whole


def test_what_changes_too_much_at_once_is_read_in_several_readings(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST", 1)
    watched.world.row("payments", "payment", REFUNDED)["amount"] += 50
    watched.told.changed = Scope(bookings=frozenset([CONFIRMED, REFUNDED]))
    assert watched.read()[1]["status"] == "holds", "the older booking is read first"
    assert watched.read()[1]["status"] == "violated"
    assert not watched.whole


def test_what_an_event_names_is_read_again_once_every_view_should_show_it(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A view may become wrong after its owner's event, without an event of its own."""
    monkeypatch.setattr(reading, "LATE_S", 0.05)
    watched.told.changed = Scope(bookings=frozenset([CONFIRMED]))
    assert watched.read()[0] == "holds"
    watched.world.bookings[CONFIRMED]["state"] = "CANCELLED"
    wait_until(lambda: watched.read()[0] == "violated", 10, "the view's row to be read again")


def test_an_event_that_nobody_can_read_may_have_been_about_anything(watched: Watched) -> None:
    watched.charge_more()
    watched.told.missed = True
    assert watched.read()[1]["status"] == "violated"
    assert watched.whole


def test_a_breach_that_a_second_reading_does_not_find_is_none(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Booking was read, then it moved, then Payment was read."""
    once = partial.read

    def read_and_repair(*args: Any) -> Any:
        found = once(*args)
        watched.charge_more(-50)
        monkeypatch.setattr(partial, "read", once)
        return found

    watched.charge_more()
    monkeypatch.setattr(partial, "read", read_and_repair)
    watched.told.changed = Scope(bookings=frozenset([CONFIRMED]))
    assert watched.read()[0] == "holds"
    assert watched.asked.count(("payments", False)) == 2


def test_a_service_that_answers_again_is_asked_for_everything_before_anything_is_said(watched: Watched) -> None:
    watched.silent.add("payments")
    watched.told.changed = Scope(bookings=frozenset([CONFIRMED]))
    assert watched.read()[1]["status"] == "pending"
    watched.charge_more()
    assert watched.read()[1]["status"] == "pending"
    watched.silent.clear()
    assert watched.read()[1]["status"] == "violated", "what no event names was broken meanwhile"
    assert watched.whole
    watched.read()
    assert not watched.whole


def test_after_a_reading_that_failed_everything_is_read(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    watched.charge_more()
    watched.told.changed = Scope(bookings=frozenset([CONFIRMED]))

    def broken(*args: Any) -> Any:
        raise RuntimeError("broken on purpose")

    with monkeypatch.context() as patch:
        patch.setattr(partial, "read", broken)
        with pytest.raises(RuntimeError, match="on purpose"):
            watched.read()
    assert watched.read()[1]["status"] == "violated"
    assert watched.whole


def test_a_service_on_demand_that_is_started_is_read(watched: Watched, settings: LazySettings) -> None:
    every = settings.API_URLS
    settings.API_URLS = {name: url for name, url in every.items() if name != "payments"}
    status, money = watched.read()
    assert (status, money["status"]) == ("holds", "not_applicable")
    assert money["evidence"][0]["what"].startswith("payments is on demand, and stopped")
    assert "payments" not in {service for service, _ in watched.asked}
    watched.told.changed = Scope(bookings=frozenset([CONFIRMED]))
    assert watched.read()[1]["status"] == "not_applicable", "nor after a reading of what has changed"
    settings.API_URLS = every
    assert watched.read()[1]["status"] == "holds"
    assert ("payments", True) in watched.asked
