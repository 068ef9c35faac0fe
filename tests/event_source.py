"""A service as its readers see it: a real outbox, its event API on a real HTTP server, and its stream in a real Redis."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
from django.apps import apps
from django.db import connections, models
from redis import Redis

from messaging.database import Database
from messaging.envelope import from_row
from messaging.events.catch_up import EventApi
from messaging.outbox import event_log
from messaging.outbox.append import Message


class EventSource:
    """`emit` commits an event; `publish` is the relay, and may lose what it is told to lose."""

    def __init__(self, service: str, redis: Redis) -> None:
        self.service, self.redis = service, redis
        self.outbox: type[models.Model] = apps.get_model(service, "Outbox")
        self.requests: list[int] = []  # the horizons asked for
        self.down = False
        self.most = 10**9  # events it can answer with in time; asked for more, it takes too long
        self.too_slow = threading.Event()
        self.url = ""
        self._published: set[int] = set()
        self._previous = ""

    def emit(self, type_: str, data: dict[str, Any], version: int, subject: str = "") -> None:
        db = Database(self.service)
        with db.atomic():
            event = Message(kind="event", type=type_, data=data, subject=subject, version=version)
            db.append(self.outbox, [event])

    @contextmanager
    def slowly(self, type_: str, data: dict[str, Any], version: int) -> Iterator[None]:
        """A transaction that has written an event and is open for the length of the block, then commits."""
        with psycopg.connect(**connections[self.service].get_connection_params()) as other:
            other.execute(
                f"""
                insert into {self.outbox._meta.db_table}
                    (kind, type, destination, subject, correlation_id, step, action, version, data)
                values ('event', %s, '', '', '', '', '', %s, %s)
                """,
                [type_, version, json.dumps(data)],
            )
            yield

    def events(self) -> list[dict[str, Any]]:
        """The envelopes of all committed events, in the order they were written."""
        rows = self.outbox._default_manager.using(self.service).order_by("seq").values()
        return [from_row(self.service, row) for row in rows]

    def publish(self, *, lose: tuple[str, ...] = (), ids: Iterator[str] | None = None, restarted: bool = False) -> None:
        """Put what is committed and was not yet published on the stream, but not the events of the types to `lose`."""
        if restarted:
            self._previous = ""
        rows = (
            self.outbox._default_manager.using(self.service).exclude(seq__in=self._published).order_by("seq").values()
        )
        for row in rows:
            self._published.add(row["seq"])
            envelope = from_row(self.service, row) | {"prev": self._previous}
            self._previous = envelope["id"]
            if row["type"] not in lose:
                self.redis.xadd(f"events.{self.service}", {"e": json.dumps(envelope)}, id=next(ids) if ids else "*")

    def api(self) -> EventApi:
        return EventApi(self.service, self.url)


@contextmanager
def serving(*sources: EventSource) -> Iterator[None]:
    """Serve the event APIs of these sources, each on a port of its own."""
    servers = []
    for source in sources:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(source))
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        source.url = f"http://127.0.0.1:{server.server_address[1]}"
        servers.append(server)
    try:
        yield
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


def _handler(source: EventSource) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            query = {name: int(values[0]) for name, values in parse_qs(asked.query).items()}
            if source.down or asked.path != f"/api/{source.service}/events":
                self.send_error(503)
                return
            if query.get("limit", 1000) > source.most:
                source.too_slow.wait()
                return
            source.requests.append(query["after"])
            try:
                body = json.dumps(
                    event_log.page(Database(source.service), source.outbox, query["after"], query.get("limit", 1000))
                ).encode()
            finally:
                connections.close_all()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    return Handler
