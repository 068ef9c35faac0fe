"""`make bench`: compares Sagabox with what people would use instead, each alone on the machine, in turns.

Sagabox is stopped while a peer is measured, and nothing of a peer runs while Sagabox is. `--quick` is one round of few bookings
in an empty house, to compare before and after a change. `python -m bench stage` measures the live page instead, `python -m bench
moments` the journal, and `python -m bench page` writes the figures of the last run into docs/performance.md.
"""

import argparse
import os
import signal
import sys
import time
from importlib import import_module
from pathlib import Path

from sandbox.machine.address import port_or_exit
from sandbox.printing import until_nobody_reads

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / ".sandbox" / "bench.json"
OTHERS = {"stage": "bench.stage", "moments": "bench.moments", "page": "bench.published.page"}
SAGABOX = "sagabox"
QUICK = {"rounds": 1, "bookings": 500, "lone": 12, "past": 0}
FULL = {"rounds": 3, "bookings": 1500, "lone": 20, "past": 20_000}


def main() -> None:
    if sys.argv[1:2] and sys.argv[1] in OTHERS:
        import_module(OTHERS[sys.argv[1]]).main(sys.argv[2:])
        return
    options = _options()
    from bench.apart import Failed
    from bench.peers.catalogue import PEERS
    from bench.report import show_bench, write_bench
    from bench.results import Results
    from bench.rounds import Plan, duration, now, run

    wanted = _systems(options, tuple(PEERS))
    size = {name: QUICK[name] if options.quick else FULL[name] for name in FULL}
    size |= {name: getattr(options, name) for name in FULL if getattr(options, name) is not None}
    plan = Plan(port=options.port, clients=options.clients, ladder=options.ladder, systems=wanted, **size)
    print(f"about {duration(plan.estimate_s())} on two cores with nothing else on them", flush=True)
    began, load, at = time.monotonic(), os.getloadavg(), now()
    try:
        for found in run(plan):
            results, seconds = Results(found), round(time.monotonic() - began)
            about = {"at": at, "seconds": seconds, "load_before": load, "load_after": os.getloadavg()}
            write_bench(results, {**about, **size}, options.to)
    except Failed as failure:
        sys.exit(str(failure))
    show_bench(results)
    print(f"took {duration(seconds)}; load average before {load[0]:.1f}, after {os.getloadavg()[0]:.1f}")
    print(f"JSON: {options.to}")


def _options() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--quick", action="store_true", help=f"{_size(QUICK)}; by default {_size(FULL)}")
    arguments.add_argument("--rounds", type=_positive)
    arguments.add_argument("--bookings", type=_positive, help="of each measurement")
    arguments.add_argument("--lone", type=_positive, help="lone bookings of each measurement")
    arguments.add_argument(
        "--past", type=_not_negative, help="bookings in the second house before it is measured; 0: no second house"
    )
    arguments.add_argument("--clients", type=_positive, default=16, help="of Sagabox's front door")
    arguments.add_argument("--peers", default="", metavar="A,B", help="only these peers next to Sagabox")
    arguments.add_argument("--only", default="", metavar="A,B", help=f"only these systems: {SAGABOX}, or peers")
    arguments.add_argument("--ladder", action="store_true", help="find each peer's best number of clients first")
    arguments.add_argument("--to", type=Path, default=RESULTS, help="where the JSON goes")
    arguments.add_argument("--port", type=int, default=port_or_exit(offset=650))
    return arguments.parse_args()


def _systems(options: argparse.Namespace, peers: tuple[str, ...]) -> tuple[str, ...]:
    """The names of what is measured; exits with a sentence where one is unknown."""
    named = [name for name in (options.only or options.peers).split(",") if name]
    if unknown := set(named) - {*peers, SAGABOX}:
        sys.exit(f"no system {', '.join(sorted(unknown))}; there are {', '.join((SAGABOX, *peers))}")
    if options.only:
        return tuple(named)
    return (SAGABOX, *(named or peers))


def _positive(text: str) -> int:
    return _at_least(1, text)


def _not_negative(text: str) -> int:
    return _at_least(0, text)


def _at_least(least: int, text: str) -> int:
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from {least} up")
    return int(text)


def _size(size: dict[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in size.items())


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what runs is stopped on the way out
    with until_nobody_reads():
        main()
