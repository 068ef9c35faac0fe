"""No module names a service where the house can be asked: as alias, queue, stream, role, instance, key of a table, by position.

What still does is listed below, by file, with how often. A file may only lose findings: then its number here goes down, too.
"""

from collections import Counter

import pytest

from tests.topology.service_names import findings, in_text

LEFT = {
    # The journal's database is on the views' instance.
    "journal/topology.py": 1,
    # Not services: what marks a note in a log, and a stream of entries.
    "messaging/wal/notes.py": 1,
    "control/mirror.py": 1,
}


def test_no_module_names_a_service_but_those_that_are_left() -> None:
    found = findings()
    counted = Counter(one.path for one in found)
    more = [str(one) for one in found if counted[one.path] > LEFT.get(one.path, 0)]
    assert not more, "ask settings.HOUSE (or topology.chosen.HOUSE) instead of naming a service:\n" + "\n".join(more)
    fewer = {path: counted[path] for path, number in LEFT.items() if counted[path] < number}
    assert not fewer, f"fewer are left; write that down in LEFT: {fewer}"


@pytest.mark.parametrize(
    "text",
    [
        'transaction.atomic(using="seats")',
        'connections["payments"].cursor()',
        'client(service="tickets")',
        'Database("tickets").rows(statement)',
        'ALIAS = "journal"',
        'USING, SOURCE = "booking", own',
        'SERVICES = ("booking", "seats")',
        'letters = {"seats": 1, "tickets": 2}',
        'test(databases=["seats"])',
        "PARTICIPANTS = SERVICES[1:]",
        "urls = settings.ALIASES[:5]",
        'entry["service"] == "projections"',
        'call("booking", "GET", path)',
        'tables.get("seats", {})',
        'stream = "events.booking"',
        'role = "seats_relay"',
        'kill("worker-seats")',
        "match service:\n    case 'seats': pass",
    ],
)
def test_what_is_found(text: str) -> None:
    assert in_text(text, "somewhere/module.py")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('transaction.atomic(using="seats")', "seats/transactions/holds.py"),
        ('body["seats"], row["booking"]', "somewhere/module.py"),
        ('COLUMNS = ("id", "seats", "state")', "somewhere/module.py"),
        ('given = {"seats": labels, "customer": 7}', "somewhere/module.py"),
        ("transaction.atomic(using=HOUSE.database_of(service).alias)", "somewhere/module.py"),
        ("rows[1:]", "somewhere/module.py"),
    ],
)
def test_what_is_left_alone(text: str, path: str) -> None:
    """A room's own name; and `seats`, which is a field of a booking, too."""
    assert not in_text(text, path)
