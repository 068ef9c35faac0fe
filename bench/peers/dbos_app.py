"""The same three writes as a DBOS workflow of three steps: the program and its clients in one, as DBOS is a library.

Runs in the peers' environment. Reads orders as lines of JSON and answers each with one:

    {"clients": 8, "first": 1, "count": 100}  ->  {"seconds": 1.2, "samples_ms": [...]}
"""

import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
from dbos import DBOS, DBOSConfig

from bench.peers.writes import ONE, WRITES, connect, url_of

SYSTEM = "dbos"
_own = threading.local()


def _write(database: str, booking: int) -> None:
    if not hasattr(_own, "connections"):
        _own.connections = {name: connect(name) for name in WRITES}
    _own.connections[database].execute(WRITES[database].encode(), {"id": booking})


@DBOS.step()
def reserve(booking: int) -> None:
    _write("seats", booking)


@DBOS.step()
def pay(booking: int) -> None:
    _write("payments", booking)


@DBOS.step()
def issue(booking: int) -> None:
    _write("tickets", booking)


@DBOS.workflow()
def book(booking: int) -> None:
    reserve(booking)
    pay(booking)
    issue(booking)


def _timed(booking: int) -> float:
    began = time.perf_counter()
    book(booking)
    return (time.perf_counter() - began) * 1e3


def main() -> None:
    url, _, _ = url_of(ONE).rpartition("/")
    with connect(ONE) as connection:
        connection.execute(f"drop database if exists {SYSTEM}".encode())
        connection.execute(f"create database {SYSTEM}".encode())
    config: DBOSConfig = {
        "name": "bench",
        "system_database_url": f"{url}/{SYSTEM}",
        "run_admin_server": False,
        "log_level": "ERROR",
    }
    DBOS(config=config)
    DBOS.launch()
    print(json.dumps({"ready": psycopg.__version__}), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        numbers = range(order["first"], order["first"] + order["count"])
        began = time.perf_counter()
        with ThreadPoolExecutor(order["clients"]) as pool:
            samples = list(pool.map(_timed, numbers))
        print(json.dumps({"seconds": time.perf_counter() - began, "samples_ms": samples}), flush=True)
    DBOS.destroy()


if __name__ == "__main__":
    main()
