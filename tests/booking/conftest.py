from datetime import UTC, datetime

import pytest

from booking.customers.register import NewCustomer, register
from booking.models import PerformanceReplica
from messaging.database import Database


@pytest.fixture
def shop(request: pytest.FixtureRequest) -> None:
    """Customers 123 and 1042; concert-2030 with seats A-1 to A-400 at 150,000 won, and a performance that is over."""
    # pytest-django's fixture is chosen by the test's mark; asked for here so that the database is there before us.
    request.getfixturevalue("_django_db_helper")
    register(
        Database("booking"),
        [NewCustomer(123, "Min-jun", "minjun@example.com"), NewCustomer(1042, "Ana", "ana@example.com")],
    )
    labels = [f"A-{number}" for number in range(1, 401)]
    for name, year in [("concert-2030", 2030), ("concert-2019", 2019)]:
        starts_at = datetime(year, 1, 1, 20, tzinfo=UTC)
        seats = {"labels": labels, "prices": [150_000] * 400, "currency": "KRW"}
        PerformanceReplica.objects.create(id=name, title=name, starts_at=starts_at, version=1, **seats)
