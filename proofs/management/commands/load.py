"""`manage.py load`: book at a rate for a long time, and measure what grows. Writes JSON, and a page with plots."""

import json
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.template.loader import render_to_string
from rich.console import Console
from rich.progress import Progress

from proofs import running
from proofs.house import House, NotInTime
from proofs.plot import Series, lines
from proofs.soak.gauges import Gauges
from proofs.soak.run import Soak, slopes

TITLES = {
    "memory": "Memory of each process, MiB",
    "connections": "Connections to each database",
    "wal": "WAL kept for replication slots, MiB",
    "stream": "Entries of each stream",
    "size": "Size of each database, MiB (grows with what is kept)",
}


class Command(BaseCommand):
    help = (
        "A soak: bookings at a rate, one in ten cancelled, with samples of memory, connections, WAL, streams and sizes."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--rate", type=float, default=50, help="bookings per second")
        parser.add_argument("--minutes", type=float, default=30)
        parser.add_argument("--directory", default="", help="for soak.json and soak.html; default .sandbox/<PORT>/soak")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["rate"] <= 0 or options["minutes"] <= 0:
            raise CommandError("--rate and --minutes are more than 0")
        layout = running.layout()
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        directory = Path(options["directory"] or layout.state / "soak" / stamp)
        house, console = House(layout.url, settings.OPERATOR_TOKEN), Console()
        try:
            soak = Soak(house, Gauges(layout), options["rate"], options["minutes"])
            with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
                task = progress.add_task("soak", total=1.0)
                found = soak.run(lambda share: progress.update(task, completed=share))
        except (running.NoSandbox, NotInTime) as error:
            raise CommandError(str(error)) from error
        finally:
            house.close()
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "soak.json").write_text(json.dumps(found))
        (directory / "soak.html").write_text(page(found))
        self.stdout.write(f"answers {json.dumps(found['answers'])}, at worst {found['behind_s']} s behind the rate")
        self.stdout.write(f"{'':<34}{'2nd quarter':>12}{'last':>12}")
        for name, (second, last) in slopes(found["looks"]).items():
            self.stdout.write(f"{name:<34}{second:>12.1f}{last:>12.1f}")
        self.stdout.write(f"{directory}/soak.json, soak.html")


def page(found: dict[str, Any]) -> str:
    """The plots, in one HTML file."""
    looks = found["looks"]
    last = looks[-1]["at"] if looks else 0
    plots = []
    for kind, title in TITLES.items():
        names = sorted({name for look in looks for name in look if name.startswith(f"{kind}/")})
        series = [Series(name.split("/", 1)[1], [look[name] for look in looks if name in look]) for name in names]
        plots.append({"title": title, **lines(series, last)})
    return render_to_string("proofs/soak.html", {"found": found, "plots": plots})
