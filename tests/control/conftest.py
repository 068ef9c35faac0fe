"""A keeper on the run's real servers, with a plan file of its own."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis

from control.keeper import Keeper
from control.state import Store

NewKeeper = Callable[[], Keeper]


@pytest.fixture
def new_keeper(redis: Redis, tmp_path: Path) -> Iterator[NewKeeper]:
    """Make a keeper; called again, one that starts after the first has been killed: same file, no word of goodbye."""
    made: list[Keeper] = []

    def make() -> Keeper:
        made.append(Keeper(redis, Store(tmp_path), os.environ))
        made[-1].turn()
        return made[-1]

    yield make
    for keeper in made:
        keeper.rest()


@pytest.fixture
def keeper(new_keeper: NewKeeper) -> Keeper:
    return new_keeper()
