"""Whatever serves anybody has a secret of its own; without one it does not start."""

import os
import subprocess
import sys

import pytest

from config.settings import APIS

SETTINGS = "import django, os; os.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings'; django.setup()"


def start(service: str, secret: str | None, program: str = SETTINGS) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "SECRET_KEY"}
    environment |= {"SERVICE": service} | ({} if secret is None else {"SECRET_KEY": secret})
    return subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("service", "secret"), [("web", None), ("web", ""), ("web", " \n"), *((service, None) for service in APIS)]
)
def test_without_a_secret_it_does_not_start(service: str, secret: str | None) -> None:
    ended = start(service, secret)
    assert ended.returncode != 0
    assert f"SERVICE={service} needs a SECRET_KEY of its own" in ended.stderr


@pytest.mark.parametrize("service", ["none", "control", "wep"])
def test_nor_does_whatever_else_would_serve_the_pages(service: str) -> None:
    ended = start(service, None, "import config.asgi")
    assert ended.returncode != 0
    assert f"SERVICE={service} needs a SECRET_KEY of its own" in ended.stderr


def test_the_constant_in_the_source_is_no_secret() -> None:
    assert start("web", "only-for-commands-that-sign-nothing").returncode != 0


@pytest.mark.parametrize(("service", "secret"), [("web", "x" * 50), ("none", None)])
def test_with_one_it_does_and_commands_that_sign_nothing_need_none(service: str, secret: str | None) -> None:
    assert start(service, secret).returncode == 0
