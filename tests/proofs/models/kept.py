"""Where the counter-example of a property test is kept, and what to do with it."""

import os
import re
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from hypothesis import currently_in_test_context, note
from hypothesis.control import current_build_context

from journal.archive.lines import SUFFIX

COUNTER_EXAMPLES = Path(settings.BASE_DIR) / ".sandbox" / "counter-examples"


def tell(text: str) -> None:
    """With the counter-example, if hypothesis plays."""
    if currently_in_test_context():
        note(text)


def is_shown() -> bool:
    """Whether this is the play that hypothesis shows in the end: the shrunk one, once more."""
    return currently_in_test_context() and current_build_context().is_final


def this_test() -> str:
    """test_any_play_ends_legally, or test_it-parameters"""
    words = re.findall(r"[A-Za-z0-9_]+", os.environ["PYTEST_CURRENT_TEST"].rpartition(" ")[0].rpartition("::")[2])
    return "-".join(words)


def file_of_this_test(directory: Path) -> Path:
    """The same for the same test, so that the last failure is found there."""
    return directory / f"{this_test()}{SUFFIX}"


def how_to_open(file: Path) -> str:
    with suppress(ValueError):
        file = file.relative_to(settings.BASE_DIR)
    return (
        f"this play is recorded in {file}\n"
        "to watch it: make run, then import the file at /replay, or\n"
        f"    .venv/bin/python manage.py runs import {file}"
    )
