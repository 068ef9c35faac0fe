"""`manage.py book` against a front door that goes away in between, and against what is no front door."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from threading import Thread

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

BOOKING = "0192f0c1-0000-7000-8000-000000000001"
ASKED = ("--performance", "concert-2024", "--seats", "A-15", "--customer", "123")


class FrontDoor(BaseHTTPRequestHandler):
    """Accepts a booking, breaks off the first question about it, and answers the next."""

    asked = 0

    def do_POST(self) -> None:
        self._answer(202, {"id": BOOKING, "state": "PENDING"})

    def do_GET(self) -> None:
        FrontDoor.asked += 1
        if FrontDoor.asked == 1:
            self.close_connection = True
            return
        self._answer(200, {"id": BOOKING, "state": "CONFIRMED"})

    def _answer(self, status: int, body: dict[str, str]) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def front_door() -> Iterator[str]:
    FrontDoor.asked = 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), FrontDoor)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_waiting_survives_a_front_door_that_is_away_for_a_moment(front_door: str) -> None:
    said = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("book", *ASKED, "--wait", "--timeout", "20", "--url", front_door, stdout=said)
    assert (ended.value.code, said.getvalue()) == (0, f"{BOOKING} CONFIRMED\n")
    assert FrontDoor.asked == 2


@pytest.mark.parametrize("url", ["http://127.0.0.1:port", "ftp://127.0.0.1", "127.0.0.1:8000", "http://"])
@pytest.mark.parametrize(
    "command", [("book", *ASKED), ("faults", "list"), ("runs", "list"), ("replay", "check"), ("verdict",)]
)
def test_what_is_no_url_is_refused_in_a_sentence(command: tuple[str, ...], url: str) -> None:
    name, *arguments = command
    with pytest.raises(CommandError, match="is no URL") as refused:
        call_command(name, *arguments, url=url)
    assert refused.value.returncode == 3, "1 has another meaning for some of them"
