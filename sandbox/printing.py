"""Printing into a pipe whose reader may have seen enough: `make status | head`."""

import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def until_nobody_reads() -> Iterator[None]:
    """End quietly, with status 0, once standard output has no reader. A pipe of somebody else's that broke is an error still."""
    try:
        yield
    except BrokenPipeError:
        if _is_read():
            raise
        sys.exit(0)
    except SystemExit:
        _is_read()
        raise
    if not _is_read():
        sys.exit(0)


def _is_read() -> bool:
    """Flush; False when nobody reads, and then nothing is left that Python would try to flush, and complain of, at its end."""
    poll = select.poll()
    try:
        sys.stdout.flush()
        poll.register(sys.stdout.fileno(), 0)
        if not poll.poll(0):  # poll reports an error, or a closed other end, without being asked
            return True
    except BrokenPipeError:
        pass
    except (OSError, ValueError):  # closed, or no file at all
        return True
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return False
