"""The test run's own servers."""

import os
from collections.abc import Mapping

import pytest


@pytest.fixture(scope="session")
def servers() -> Mapping[str, str]:
    return os.environ
