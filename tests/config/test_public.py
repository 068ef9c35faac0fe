"""Off loopback: what the settings make of FRONT_HOST and PUBLIC_ORIGIN, and that every form works behind a TLS proxy."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
READ = (
    "import json; from config import settings as s; print(json.dumps({name: getattr(s, name, None) for name in ("
    "'PUBLIC_ORIGIN', 'OFF_LOOPBACK', 'ALLOWED_HOSTS', 'CSRF_TRUSTED_ORIGINS', 'CSRF_COOKIE_SECURE', 'SECURE_HSTS_SECONDS')}))"
)


def settings_of(**environment: str) -> dict[str, Any]:
    """A process's settings with this environment."""
    run = subprocess.run(
        [sys.executable, "-c", READ],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "SERVICE": "none", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return dict(json.loads(run.stdout)) if run.returncode == 0 else {"error": run.stderr.strip().splitlines()[-1]}


@pytest.mark.parametrize(
    ("environment", "off"),
    [
        ({}, False),
        ({"FRONT_HOST": "127.0.0.1"}, False),
        ({"FRONT_HOST": "::1"}, False),
        ({"FRONT_HOST": ""}, False),
        ({"FRONT_HOST": "0.0.0.0"}, True),  # noqa: S104
        ({"FRONT_HOST": "192.0.2.7"}, True),
        ({"FRONT_HOST": "tickets.lan"}, True),
        ({"PUBLIC_ORIGIN": "https://tickets.example"}, True),
    ],
)
def test_off_loopback_is_where_others_can_reach_the_front_door(environment: dict[str, str], off: bool) -> None:
    assert settings_of(**environment)["OFF_LOOPBACK"] is off


def test_an_https_origin_is_trusted_and_makes_cookies_secure() -> None:
    found = settings_of(PUBLIC_ORIGIN="https://Tickets.Example/", ALLOWED_HOSTS="localhost")
    assert found["PUBLIC_ORIGIN"] == "https://tickets.example"
    assert found["CSRF_TRUSTED_ORIGINS"] == ["https://tickets.example"]
    assert found["ALLOWED_HOSTS"] == ["localhost", "tickets.example"]
    assert found["CSRF_COOKIE_SECURE"] is True
    assert found["SECURE_HSTS_SECONDS"]


def test_a_plain_origin_is_trusted_and_asks_for_no_tls() -> None:
    found = settings_of(PUBLIC_ORIGIN="http://192.0.2.7:8080")
    assert found["CSRF_TRUSTED_ORIGINS"] == ["http://192.0.2.7:8080"]
    assert found["CSRF_COOKIE_SECURE"] is None
    assert found["SECURE_HSTS_SECONDS"] is None


@pytest.mark.parametrize(
    ("said", "origin"),
    [
        ("https://tickets.example:443", "https://tickets.example"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
    ],
)
def test_an_origin_is_as_browsers_send_it(said: str, origin: str) -> None:
    assert settings_of(PUBLIC_ORIGIN=said)["PUBLIC_ORIGIN"] == origin


@pytest.mark.parametrize(
    "said",
    [
        "tickets.example",
        "https://a/b",
        "https://u@a",
        "ftp://a",
        "https://",
        "https://a b",
        "https://a?b",
        "*",
        "https://*",
    ],
)
def test_what_is_no_origin_is_refused_in_a_sentence(said: str) -> None:
    assert "PUBLIC_ORIGIN is" in settings_of(PUBLIC_ORIGIN=said)["error"]
