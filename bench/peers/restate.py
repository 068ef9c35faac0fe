"""Running Restate: its server with data of its own, two processes that serve the booking, and clients over HTTP."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import aiohttp
import httpx
import uvloop

from bench.peers import packages
from bench.peers.programs import ROOT, program, tail
from sandbox.layout import free_ports

START_WITHIN_S = 60
SERVERS = 2  # processes of the service


class Restate:
    """A running Restate with the service registered. A booking is over when its answer is there."""

    def __init__(self, url: str, pids: dict[str, int]) -> None:
        self._url, self.pids = url, pids

    def throughput(self, bookings: range, clients: int) -> float:
        began = time.perf_counter()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._book_all(bookings, clients))
        return time.perf_counter() - began

    def lone(self, bookings: range) -> list[float]:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(self._book_all(bookings, 1))

    async def _book_all(self, bookings: range, clients: int) -> list[float]:
        samples = []
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=clients)) as session:

            async def client(mine: range) -> None:
                for number in mine:
                    began = time.perf_counter()
                    async with session.post(f"{self._url}/booking/book", json=number) as answer:
                        text = await answer.text()
                        assert (answer.status, text) == (200, '"CONFIRMED"'), f"{answer.status} {text}"
                    samples.append((time.perf_counter() - began) * 1e3)

            async with asyncio.TaskGroup() as tasks:
                for one in range(clients):
                    tasks.create_task(client(bookings[one::clients]))
        return samples


@contextmanager
def restate(directory: Path) -> Iterator[Restate]:
    """Raises packages.Unavailable where it cannot run."""
    python, server = packages.python(), packages.restate_server()
    ports = free_ports(["ingress", "admin", "node", "service"])
    at = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
    environment = {
        "DO_NOT_TRACK": "1",
        "RESTATE_LISTEN_MODE": "tcp",
        "RESTATE_BIND_ADDRESS": at["node"],
        "RESTATE_ADVERTISED_ADDRESS": f"http://{at['node']}/",
        "RESTATE_INGRESS__BIND_ADDRESS": at["ingress"],
        "RESTATE_ADMIN__BIND_ADDRESS": at["admin"],
        "RESTATE_LOG_FILTER": "warn",
    }
    with ExitStack() as stack:
        log, data = directory / "restate-server.log", directory / "restate"
        main = stack.enter_context(
            program([server, "--base-dir", data, "--no-logo"], log, cwd=directory, environment=environment)
        )
        serve = ["-m", "hypercorn", "-w", str(SERVERS), "-b", at["service"], "bench.peers.restate_app:app"]
        service = stack.enter_context(program([python, *serve], directory / "restate-service.log", cwd=ROOT))
        _register(f"http://{at['admin']}", f"http://{at['service']}", [log, directory / "restate-service.log"])
        yield Restate(f"http://{at['ingress']}", {"restate-server": main.pid, "restate-service": service.pid})


def _register(admin: str, service: str, logs: list[Path]) -> None:
    give_up = time.monotonic() + START_WITHIN_S
    while True:
        try:
            answer = httpx.post(f"{admin}/deployments", json={"uri": service}, timeout=10)
            if answer.is_success:
                return
            why = answer.text
        except httpx.HTTPError as error:
            why = str(error)
        if time.monotonic() > give_up:
            said = "\n".join(map(tail, logs))
            raise packages.Unavailable(f"Restate did not register its service in {START_WITHIN_S} s: {why}\n{said}")
        time.sleep(0.2)
