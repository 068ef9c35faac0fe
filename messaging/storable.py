"""What a message brought, in a form that PostgreSQL and Redis can keep: a message may be a dead letter for not having it."""

import math
from typing import Any


def storable(value: Any) -> Any:
    """The same JSON without what no database takes: NUL and halves of surrogate pairs (replaced by U+FFFD), NaN, infinity.

    JSON's grammar allows the first two, and Python's parser all of them.
    """
    match value:
        case str():
            return value.replace("\x00", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case float() if not math.isfinite(value):
            return str(value)
        case dict():
            return {storable(str(name)): storable(one) for name, one in value.items()}
        case list():
            return [storable(one) for one in value]
    return value
