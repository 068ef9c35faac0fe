"""The front door behind a TLS proxy: as the proxy on this machine hands requests on, whether or not it passes the public name."""

import os
import subprocess
import sys
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

import dashboard.urls
from sandbox.layout import free_ports
from tests.live import ROOT, Live
from tests.waiting import wait_until
from topology.processes import BY_NAME

ORIGIN = "https://tickets.example"
PROXIED = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}
ROUTES: list[Any] = dashboard.urls.urlpatterns
ACTIONS = sorted(
    route for pattern in ROUTES if "<" not in (route := str(pattern.pattern))
    and route.startswith(("book", "console/run", "rail/", "faults", "replay/start", "matrix/start")) and route != "bookings"
)  # fmt: skip
# A proxy that passes the name browsers used, one that does not, and one that says nothing at all.
PASSED = {"name": {"Host": "tickets.example", **PROXIED}, "address": PROXIED, "nothing": {}}


def start(live: Live, directory: Path, **environment: str) -> tuple[subprocess.Popen[bytes], str]:
    """A second front door of the running sandbox."""
    process, port = BY_NAME["web"], free_ports(["web"])["web"]
    values = live.sandbox.environments.of_process(process) | environment
    with (directory / "web.log").open("wb") as log:
        web = subprocess.Popen(
            process.command(sys.executable, port=port),
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], **values},
            stdout=log,
            stderr=log,
        )
    return web, f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def front(live: Live, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    web, url = start(live, tmp_path_factory.mktemp("web"), PUBLIC_ORIGIN=ORIGIN)
    try:
        wait_until(lambda: answers(url), 60, "the second front door to be up")
        yield url
    finally:
        web.terminate()
        web.wait(20)


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def cookies(page: httpx.Response) -> SimpleCookie:
    """All that the page sets, each with its attributes."""
    found = SimpleCookie()
    for header in page.headers.get_list("set-cookie"):
        found.load(header)
    return found


def csrf(url: str, headers: dict[str, str]) -> dict[str, str]:
    """What a browser at the public origin sends back after it loaded the page, Secure cookies included."""
    page = httpx.get(url, headers=headers, timeout=30)
    assert page.status_code == 200
    cookie = cookies(page)["csrftoken"]
    return {**headers, "Origin": ORIGIN, "Cookie": f"csrftoken={cookie.value}", "X-CSRFToken": cookie.value}


@pytest.mark.parametrize("passed", PASSED)
def test_every_button_works(front: str, passed: str) -> None:
    headers = csrf(front, PASSED[passed])
    for action in ACTIONS:
        answer = httpx.post(f"{front}/{action}", headers=headers, timeout=30)
        assert "Load the page again" not in answer.text, f"{action}: {answer.status_code}"
        assert answer.status_code not in (403, 500), f"{action}: {answer.status_code}"
        foreign = httpx.post(
            f"{front}/{action}", headers={**headers, "Origin": "https://elsewhere.example"}, timeout=30
        )
        assert foreign.status_code == 403, f"the control, {action}: {foreign.status_code}"


def test_cookies_and_later_visits_stay_on_tls(front: str, live: Live) -> None:
    page = httpx.get(front, headers=PASSED["name"])
    assert cookies(page)["csrftoken"]["secure"] is True
    assert page.headers["strict-transport-security"].startswith("max-age=")
    token = live.sandbox.environments.secrets["OPERATOR_TOKEN"]
    signed = httpx.post(
        f"{front}/rail/operator", headers=csrf(front, PASSED["name"]), data={"token": token}, timeout=30
    )
    assert cookies(signed)["operator"]["secure"] is True


def test_without_a_public_origin_nothing_asks_for_tls(live: Live) -> None:
    """The control."""
    page = live.http.get("/", headers={"Cookie": ""})
    assert "strict-transport-security" not in page.headers
    assert "secure" not in page.headers["set-cookie"].lower()
    refused = httpx.post(f"{live.url}/book", headers=csrf(live.url, PROXIED), timeout=30)
    assert refused.status_code == 403


@pytest.mark.parametrize("passed", PASSED)
def test_nobody_is_the_operator_for_standing_behind_a_proxy_on_this_machine(front: str, passed: str) -> None:
    assert httpx.delete(f"{front}/api/faults", headers={**PASSED[passed], "Origin": ORIGIN}).status_code == 401


def test_the_page_of_the_public_origin_has_the_live_line_and_no_other(front: str) -> None:
    url = front.replace("http:", "ws:") + "/ws/journal?after=0"
    with connect(url, origin=Origin(ORIGIN), additional_headers={"X-Forwarded-Proto": "https"}) as socket:
        assert socket.recv(timeout=10)
    with pytest.raises(InvalidStatus):
        connect(url, origin=Origin("https://elsewhere.example"))
