from tests.booking.conftest import shop  # noqa: F401
from tests.saga.conftest import house  # noqa: F401
