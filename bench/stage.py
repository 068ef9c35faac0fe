"""`python -m bench stage`: measures the live page. Each figure is printed with its limit; if one misses it, the exit
status is 1.

first   what the first visit loads over the wire
pixel   commit to pixel at 50 bookings/s, in a real Chromium: from `committed_at` (the database's clock) until the frame that
        draws the line is painted, on the same machine's clock
flood   1,000 journal entries/s: real transactions that rewrite a customer's row unchanged, so that they have no effect
pages   200 open pages at 20 bookings/s: one of them Chromium, the others WebSocket clients; each counts every entry
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from bench import cost
from bench.browser import Seen, Stage, opened
from bench.report import Figure, percentile, show_figures
from sandbox.machine.address import port_or_exit

ROOT = Path(__file__).resolve().parent.parent
OURS = "Chromium and the load"
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Bench:
    """The running sandbox: its front door, and the pids of its processes."""

    url: str
    pids: dict[str, int]
    seconds: float
    pages: int

    def under(self, load: Callable[[], T], stage: Stage, name: str) -> tuple[T, Seen, Figure]:
        """What the page saw while `load` ran in a thread, and the processor time of each program meanwhile."""
        before = self._used()
        with ThreadPoolExecutor(1) as pool:  # Django asks for a thread without Playwright's event loop
            running = pool.submit(load)
            seconds = stage.stay_until(running.done)
            done, end = running.result(), pool.submit(_journal_end).result()
        after = self._used()
        seen = stage.seen(until=end)
        shares = {one: 100 * (used - before.get(one, 0.0)) / seconds for one, used in after.items()}
        greedy = sorted(shares.items(), key=lambda share: -share[1])[:9]
        note = ", ".join(f"{one} {share:.0f}" for one, share in greedy)
        return (
            done,
            seen,
            Figure(name=f"{name}: all processes", value=sum(shares.values()), unit="% of a core", note=note),
        )

    def _used(self) -> dict[str, float]:
        """CPU seconds so far. The sandbox's processes are descendants of ours: what is left is Chromium and the load."""
        used = cost.look(self.pids)
        ours = cost.look({OURS: os.getpid()})[OURS]
        return {**used, OURS: ours - sum(used.values())}


def first(bench: Bench) -> list[Figure]:
    with opened(bench.url, weigh=True) as stage:
        weight = stage.first_load()
    parts = ", ".join(f"{kind} {size / 1000:.0f}" for kind, size in sorted(weight.items(), key=lambda one: -one[1]))
    return [Figure(name="first load over the wire", value=sum(weight.values()) / 1000, unit="kB", most=150, note=parts)]


def pixel(bench: Bench) -> list[Figure]:
    return _booked(bench, "50 bookings/s", 50, delay_ms=150)


def flood(bench: Bench) -> list[Figure]:
    from bench.flood import write

    name = "1,000 entries/s"
    with opened(bench.url, frames=True) as stage:
        rate, seen, web = bench.under(lambda: write(1000, bench.seconds), stage, name)
    written = Figure(name=f"{name}: written", value=rate, unit="/s", least=950)
    worst = Figure(name=f"{name}: lag, worst", value=max(seen.delays_ms), unit="ms", most=1000)
    return [written, *_of_page(name, seen, frame_ms=34), worst, web]


def pages(bench: Bench) -> list[Figure]:
    from bench.pages import Pages

    name = f"{bench.pages} pages, 20 bookings/s"
    with Pages(bench.url, bench.pages - 1) as others:
        figures = _booked(bench, name, 20)
        seen = others.result(_journal_end())
    note = f"{seen['entries']} entries to each of {seen['pages']} clients, {seen['megabytes']:.0f} MB in all"
    return [
        Figure(name=f"{name}: entries missing or doubled, clients", value=seen["wrong"], unit="", most=0, note=note),
        Figure(name=f"{name}: clients disconnected", value=seen["dropped"], unit="", most=0),
        *figures,
    ]


def _booked(bench: Bench, name: str, rate: float, delay_ms: float | None = None) -> list[Figure]:
    from bench import load

    performance, labels = load.performance(int(rate * bench.seconds))
    with opened(f"{bench.url}/?performance={performance}") as stage:
        stage.settle()
        achieved, seen, web = bench.under(lambda: load.paced(bench.url, performance, labels, rate), stage, name)
    placed = Figure(name=f"{name}: placed and confirmed", value=achieved, unit="/s", least=0.95 * rate)
    return [placed, *_of_page(name, seen, delay_ms=delay_ms), web]


def _of_page(name: str, seen: Seen, delay_ms: float | None = None, frame_ms: float | None = None) -> list[Figure]:
    delays, frames = seen.delays_ms, seen.frames_ms
    drawn = f"p50 {percentile(delays, 0.5):.0f}, worst {max(delays):.0f}, {len(delays)} lines"
    figures = [
        Figure(
            name=f"{name}: commit to pixel, p95", value=percentile(delays, 0.95), unit="ms", most=delay_ms, note=drawn
        )
    ]
    if frames:
        drew = f"p50 {percentile(frames, 0.5):.1f}, worst {max(frames):.0f}, {len(frames)} frames"
        figures.append(
            Figure(name=f"{name}: frame, p95", value=percentile(frames, 0.95), unit="ms", most=frame_ms, note=drew)
        )
    return [
        *figures,
        Figure(name=f"{name}: entries missing or doubled, Chromium", value=seen.wrong, unit="", most=0),
    ]


def _journal_end() -> int:
    """Position of the newest entry, once there has been no newer one for a second."""
    from journal.reading import queries

    last = -1
    while last != (last := queries.last_pos()):
        time.sleep(1)
    return last


PARTS = {part.__name__: part for part in (first, pixel, flood, pages)}


def main(words: list[str]) -> None:
    arguments = argparse.ArgumentParser(
        prog="python -m bench stage", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("parts", nargs="*", metavar="part", help=f"{', '.join(PARTS)}; all by default")
    arguments.add_argument("--seconds", type=float, default=20, help="of each load")
    arguments.add_argument("--pages", type=int, default=200)
    arguments.add_argument("--port", type=int, default=port_or_exit(offset=650))
    options = arguments.parse_args(words)
    if unknown := set(options.parts) - set(PARTS):
        arguments.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")

    from sandbox.runtime import Sandbox
    from sandbox.stages import Stages

    figures = []
    with Sandbox(ROOT, options.port, Stages()) as sandbox:
        os.environ.update(sandbox.environments.control(), DJANGO_SETTINGS_MODULE="config.settings")
        import django

        django.setup()
        pids = {name: status.pid for name, status in sandbox.processes().items() if status.pid}
        bench = Bench(url=sandbox.url.rstrip("/"), pids=pids, seconds=options.seconds, pages=options.pages)
        for name, part in PARTS.items():
            if not options.parts or name in options.parts:
                print(f"{name} ...", flush=True)
                figures += part(bench)
    show_figures(figures, ROOT / ".sandbox" / "bench-stage.json")
    sys.exit(0 if all(figure.met for figure in figures) else 1)
