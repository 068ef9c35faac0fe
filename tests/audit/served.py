"""A World over real HTTP, as the services tell it: all of it, or what is about some bookings and of some names."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from audit.running.scope import Scope
from audit.truth import Views
from tests.audit.world import World

Answer = tuple[int, str, bytes]
Body = Callable[[str, dict[str, list[str]]], Answer]
NDJSON = "application/x-ndjson"


def name_of(kind: str, row: Any) -> str:
    """What serving.truth_api looks at for the filter `name`."""
    return {"seat": lambda: f"{row['performance_id']}/{row['label']}", "customer": lambda: str(row["id"])}[kind]()


def lines(world: World, service: str, query: dict[str, list[str]] | None = None) -> bytes:
    """What the service would answer."""
    rows = [{**row, "kind": kind} for kind, found in world.rows[service].items() for row in found]
    if query:
        bookings, names = query.get("booking", []), query.get("name", [])
        rows = [
            row
            for row in rows
            if row["booking_id"] in bookings
            or (row["kind"] in ("seat", "customer") and name_of(row["kind"], row) in names)
        ]
    told = [{**world.meta[service], "kind": "meta"}, *rows, {"kind": "end", "rows": len(rows)}]
    return "".join(json.dumps(line) + "\n" for line in told).encode()


def views(world: World, scope: Scope) -> Views:
    """What the views show of a part."""
    return Views(
        bookings={id: row for id, row in world.bookings.items() if id in scope.bookings},
        history={id: row for id, row in world.history.items() if id in scope.bookings},
        sales={id: row for id, row in world.sales.items() if id in scope.bookings},
        seats={place: row for place, row in world.seats.items() if "/".join(place) in scope.seats},
        sales_seats={place: row for place, row in world.sales_seats.items() if "/".join(place) in scope.seats},
        names={key: row for key, row in world.names.items() if str(key[1]) in scope.customers},
        checkpoints=world.checkpoints,
    )


@contextmanager
def services(body: Body) -> Iterator[dict[str, str]]:
    """Serve `body(service, query)` -> (status, content type, content) for all four services; yields their URLs."""

    class Handler(BaseHTTPRequestHandler):
        wbufsize = -1  # an answer in two packets waits for the client's acknowledgement of the first

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            status, kind, content = body(address.path.split("/")[2], parse_qs(address.query))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(content)
            self.wfile.flush()

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield dict.fromkeys(("booking", "seats", "payments", "tickets"), f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def served(world: Callable[[], World]) -> Iterator[dict[str, str]]:
    """Serve what `world()` is at each request."""
    with services(lambda service, query: (200, NDJSON, lines(world(), service, query))) as urls:
        yield urls
