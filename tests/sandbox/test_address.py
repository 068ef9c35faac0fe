"""HOST: which addresses are taken, what the processes are given, and who is told the operator token."""

import io
import socket
from pathlib import Path

import pytest
from rich.console import Console

from sandbox.data import storage
from sandbox.data.secret_store import NAMES
from sandbox.layout import Layout, is_free
from sandbox.machine.address import Front, host_of, port_of
from sandbox.running.environment import Environments
from sandbox.stages import Stages
from sandbox.up import show_addresses
from topology.processes import BY_NAME

ALL = "0.0.0.0"  # noqa: S104


@pytest.mark.parametrize(
    ("said", "host"), [(None, "127.0.0.1"), ("", "127.0.0.1"), ("localhost", "127.0.0.1"), (ALL, ALL)]
)
def test_host_is_an_address_of_this_machine(said: str | None, host: str) -> None:
    assert host_of(said) == host


@pytest.mark.parametrize("said", ["192.0.2.7", "no such host", "x86_64-conda-linux-gnu", "1.2.3.4.5", "a" * 300, "-1"])
def test_what_is_no_address_of_this_machine_is_refused_in_a_sentence(said: str) -> None:
    with pytest.raises(ValueError, match=r"HOST is '.*', which is no address of this machine"):
        host_of(said)


def test_no_port_is_the_usual_port() -> None:
    assert port_of(None) == port_of("") == port_of(" ") == 8000


@pytest.mark.parametrize(
    ("front", "url", "private"),
    [
        (Front(), "http://127.0.0.1:8123/", True),
        (Front("::1"), "http://[::1]:8123/", True),
        (Front(ALL), "http://127.0.0.1:8123/", False),
        (Front("::"), "http://[::1]:8123/", False),
        (Front("192.0.2.7"), "http://192.0.2.7:8123/", False),
        (Front(origin="https://tickets.example"), "http://127.0.0.1:8123/", False),
    ],
)
def test_this_machine_reaches_the_front_door_where_it_listens(front: Front, url: str, private: bool) -> None:
    layout = Layout(Path("/somewhere"), 8123, front)
    assert layout.url == url
    assert front.is_private is private
    environments = Environments(layout.ports, dict.fromkeys(NAMES, "x"), layout.control, front=front)
    assert environments.of_service("none") == {"API_URL_WEB": url.rstrip("/")}  # what a person's second shell is given
    web = environments.of_process(BY_NAME["web"])
    assert web["FRONT_HOST"] == front.host
    assert web["PUBLIC_ORIGIN"] == front.origin
    assert front.reach in web["ALLOWED_HOSTS"].split(",")


def test_on_all_addresses_it_may_be_called_by_this_machines_name() -> None:
    assert socket.gethostname().lower() in Front(ALL).names()
    assert socket.gethostname().lower() not in Front().names()


def test_a_port_is_looked_for_on_the_address_that_it_will_listen_on() -> None:
    with socket.create_server(("127.0.0.2", 0)) as server:
        port = server.getsockname()[1]
        assert is_free(port)
        assert not is_free(port, "127.0.0.2")
        assert not is_free(port, ALL)


def test_the_operator_token_is_shown_once(tmp_path: Path) -> None:
    layout = Layout(tmp_path, 8123, Front(ALL))
    layout.state.mkdir(parents=True)
    shown = []
    tokens = ("first", "first", "second")
    for token in tokens:
        stages = Stages()
        stages.console = Console(file=(text := io.StringIO()), width=500)
        show_addresses(layout, token, stages)
        shown.append(text.getvalue())
    assert [f": {token}\n" in text for token, text in zip(tokens, shown, strict=True)] == [
        True,
        False,
        True,
    ]
    assert all("secrets.env" in text for text in shown)
    assert storage.recall(layout)["told"] != "second"
