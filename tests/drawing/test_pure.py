"""A drawing is computed from values alone: it needs no request, no query, and of Django only the type of safe text."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IMPORT_ALL = """
import drawing, importlib, json, pkgutil, sys
for module in pkgutil.walk_packages(drawing.__path__, "drawing."):
    importlib.import_module(module.name)
print(json.dumps([*sys.modules]))
"""
SAFE_TEXT = {"django", "django.utils"} | {
    f"django.utils.{module}" for module in ("functional", "regex_helper", "safestring", "version")
}
DRIVERS = {"psycopg", "redis", "celery", "ninja", "httpx"}


def test_all_drawings_can_be_imported_with_no_django_but_safe_text() -> None:
    """In a process of its own: in this one Django is set up already."""
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    run = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr
    imported = set(json.loads(run.stdout))
    assert {"drawing.lanes.placing", "drawing.diagram.layout", "drawing.line"} <= imported
    assert {name for name in imported if name.split(".")[0] == "django"} <= SAFE_TEXT
    assert not DRIVERS & imported
