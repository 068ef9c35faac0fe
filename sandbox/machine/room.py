"""Checks whether there is space on the disks that a sandbox writes to."""

import errno
import shutil
from collections.abc import Iterable
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT)
LEAST = 1_000_000  # bytes: what root alone may still use does not count, nor what is soon gone


def full(directories: Iterable[Path]) -> Path | None:
    """The first of the directories that nothing more can be written to."""
    for directory in directories:
        probe = directory / "probe"
        try:
            if shutil.disk_usage(directory).free < LEAST:
                return directory
            probe.write_bytes(bytes(65_536))  # a quota shows only so
        except OSError as error:
            if error.errno in FULL:
                return directory
        finally:
            probe.unlink(missing_ok=True)
    return None


def sentence(directory: Path) -> str:
    return f"The disk is full ({directory}): nothing can be stored until there is room"
