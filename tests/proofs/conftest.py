import pytest
from redis import Redis

from tests.booking.conftest import shop  # noqa: F401
from tests.house import House, furnish


@pytest.fixture
def house(shop: None, redis: Redis) -> House:  # noqa: F811
    """All four services, with customers 123 and 1042, and seats A-1 to A-10 of concert-2030: a hall that a player can draw."""
    furnish(seats=10)
    return House()
