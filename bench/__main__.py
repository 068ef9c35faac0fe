"""`make bench`: compares Sagabox with a Celery chain doing the same three writes, in one run on the same instances.

Both sides take turns, so that a machine whose speed drifts is unfair to neither; the ratio is best against best.
`python -m bench stage` measures the live page instead, `python -m bench moments` the journal.
"""

import argparse
import os
import sys
from pathlib import Path

from bench.report import Latency, Throughput, show
from sandbox.machine.address import port_or_exit
from sandbox.printing import until_nobody_reads

ROOT = Path(__file__).resolve().parent.parent
SAGABOX, HTTP, CHAIN = "Sagabox", "Sagabox, over HTTP", "Celery chain"


def main() -> None:
    if sys.argv[1:2] == ["stage"]:
        from bench import stage

        stage.main(sys.argv[2:])
        return
    if sys.argv[1:2] == ["moments"]:
        from bench import moments

        moments.main(sys.argv[2:])
        return
    arguments = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    arguments.add_argument("--bookings", type=int, default=2000, help="in each round")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--lone", type=int, default=40, help="lone bookings for the latency")
    arguments.add_argument("--port", type=int, default=port_or_exit(offset=650))
    options = arguments.parse_args()

    from sandbox.runtime import Sandbox
    from sandbox.stages import Stages

    with Sandbox(ROOT, options.port, Stages()) as sandbox:
        environment = sandbox.environments.control()
        os.environ.update(environment, DJANGO_SETTINGS_MODULE="config.settings")
        import django

        django.setup()
        api = f"http://127.0.0.1:{sandbox.layout.ports['api-booking']}"
        pids = {name: status.pid for name, status in sandbox.processes().items() if status.pid}
        throughputs, latencies = measure(sandbox.url, api, environment, options)
        costs = measure_cost(pids, options.bookings)
    show(throughputs, latencies, costs, CHAIN, ROOT / ".sandbox" / "bench.json")


def measure(
    url: str, api: str, environment: dict[str, str], options: argparse.Namespace
) -> tuple[list[Throughput], list[Latency]]:
    from bench import load
    from bench.peer import celery_chain

    count = options.bookings
    rows = []
    load.in_batches(*load.performance(100))  # warm
    for _ in range(options.rounds):
        seconds = load.in_batches(*load.performance(count))
        rows.append(Throughput(name=SAGABOX, bookings=count, seconds=seconds, until="confirmed, both views converged"))
        with celery_chain(environment) as chain:
            seconds = chain.throughput(count)
        rows.append(Throughput(name=CHAIN, bookings=count, seconds=seconds, until="the ticket is written"))
        print(f"{SAGABOX} {rows[-2].rate:.0f}/s, {CHAIN} {rows[-1].rate:.0f}/s", flush=True)
    seconds = load.over_http(api, *load.performance(count), clients=16)
    rows.append(Throughput(name=HTTP, bookings=count, seconds=seconds, until="confirmed, both views converged"))
    alone = Latency(name=SAGABOX, samples_ms=load.lone(url, *load.performance(options.lone)))
    with celery_chain(environment) as chain:
        peer = Latency(name=CHAIN, samples_ms=chain.lone(options.lone))
    return rows, [alone, peer]


def measure_cost(pids: dict[str, int], count: int) -> dict[str, float]:
    """CPU milliseconds a booking of each program, over one more round of Sagabox alone."""
    from bench import cost, load

    name, labels = load.performance(count)
    before = cost.look(pids)
    load.in_batches(name, labels)
    return cost.spent(before, cost.look(pids), count)


if __name__ == "__main__":
    with until_nobody_reads():
        main()
