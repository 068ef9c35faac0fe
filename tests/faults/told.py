"""What the journal will show of faults: the observations told so far."""

import json
from typing import Any

from redis import Redis


def told(redis: Redis, kind: str = "fault") -> list[dict[str, Any]]:
    entries: Any = redis.xrange("observations")
    found = [json.loads(fields[b"o"]) for _, fields in entries]
    return [one for one in found if one["kind"] == kind]
