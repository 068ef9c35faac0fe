#!/usr/bin/env python
"""Django's command line. A command that belongs to one service gets that service's environment from the running sandbox."""

import os
import sys
from pathlib import Path

from dotenv import load_dotenv

from sandbox.machine.address import port_or_exit
from sandbox.printing import until_nobody_reads

# Commands a person types in a second shell: which service's environment (`.sandbox/<PORT>/env/<service>.env`) they need.
SERVICE_OF_COMMAND = {
    "rebuild": "projections",
    "project": "projections",
    "replicas": "tickets",
    "record": "journal",
    "book": "web",
    "faults": "web",
    "runs": "web",
    "matrix": "web",
    "nemesis": "web",
    "hostile": "web",
    "load": "web",
    "lab": "web",
}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if "SERVICE" not in os.environ and command in SERVICE_OF_COMMAND:
        os.environ["SERVICE"] = SERVICE_OF_COMMAND[command]
    os.environ["PORT"] = str(port_or_exit())
    state = Path(__file__).parent / ".sandbox" / os.environ["PORT"]
    has_run = load_dotenv(state / "env" / f"{os.environ.get('SERVICE', 'none')}.env")  # what is already set wins
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    with until_nobody_reads():
        try:
            execute_from_command_line(sys.argv)
        except ImproperlyConfigured as error:
            if command in SERVICE_OF_COMMAND and not has_run:
                port = os.environ["PORT"]
                sys.exit(f"{error}. No sandbox of PORT {port} has run here: `make run PORT={port}` starts one")
            sys.exit(str(error))


if __name__ == "__main__":
    main()
