"""What uvicorn and Celery load begins with nothing but the environment of its process: no settings module is named there."""

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(("service", "module"), [("web", "config.asgi"), ("seats", "config.celery")])
def test_an_entry_point_needs_no_settings_module_named(service: str, module: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    environment |= {"SERVICE": service, "SECRET_KEY": "x" * 50}
    loads = "import importlib, sys; importlib.import_module(sys.argv[1])"
    ended = subprocess.run(
        [sys.executable, "-c", loads, module], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
