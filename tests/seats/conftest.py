from datetime import UTC, datetime

import pytest

from messaging.database import Database
from seats.transactions import Programme, SeatBlock, announce


@pytest.fixture
def performance(request: pytest.FixtureRequest) -> str:
    """A performance of 400 seats A-1 to J-40, 150,000 KRW each; its id."""
    # pytest-django's fixture is chosen by the test's mark; asked for here so that the database is there before us.
    request.getfixturevalue("_django_db_helper")
    announce(
        Database("seats"),
        Programme(
            id="concert", title="Concert", venue="Hall", starts_at=datetime(2030, 1, 1, 20, tzinfo=UTC), currency="KRW",
            blocks=(SeatBlock("Stalls", tuple("ABCDEFGHIJ"), 40, 150_000),),
        )
    )  # fmt: skip
    return "concert"
