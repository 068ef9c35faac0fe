"""Real servers for the tests of the walls: those of the test run when it has some, else our own."""

import os
from collections.abc import Iterator, Mapping

import pytest

from sandbox.testing import infrastructure


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    if "ADMIN_URL_SEATS" in os.environ:
        yield os.environ
        return
    with infrastructure(tmp_path_factory.mktemp("servers")) as environment:
        yield environment
