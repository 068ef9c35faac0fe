"""`python -m sandbox.running.supervisord`: supervisord, changed to survive when its logs cannot be written.

On a full disk each line it logs, and each line of a program that it stores, is an OSError; the report of that error goes to a
full disk as well, and this second one would end it, and with it everything that runs.
"""

import sys
from typing import Any

from supervisor import loggers, supervisord


def write_or_drop(handler: loggers.RotatingFileHandler, record: Any) -> None:
    """In place of RotatingFileHandler.emit: the line is lost where there is no room, and the next one is tried again."""
    try:
        if handler.stream.closed:  # a rotation broke off
            handler.stream = open(handler.baseFilename, "ab")  # noqa: SIM115 - for as long as it logs
        loggers.FileHandler.emit(handler, record)
        handler.doRollover()
    except OSError:
        pass


def main() -> None:
    loggers.RotatingFileHandler.emit = write_or_drop
    loggers.Handler.handleError = _report_unless_disk
    supervisord.main(sys.argv[1:])


def _report_unless_disk(handler: loggers.Handler) -> None:
    error = sys.exc_info()[1]
    if not isinstance(error, OSError):
        sys.excepthook(*sys.exc_info())  # what it does else, on standard error


if __name__ == "__main__":
    main()
