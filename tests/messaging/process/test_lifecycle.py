"""What long-lived processes do when their work begins, seen in a process of its own."""

import subprocess
import sys

WALKED = """
import gc, os
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
os.environ["SERVICE"] = "web"
import django
django.setup()
from messaging.process.lifecycle import Stopping
if {settled}:
    Stopping()
print(len(gc.get_objects()))
"""


def walked_through(*, settled: bool) -> int:
    """Objects that the garbage collector walks through when it collects all there is."""
    run = [sys.executable, "-c", WALKED.format(settled=settled)]
    return int(subprocess.run(run, capture_output=True, text=True, check=True).stdout)


def test_what_start_up_made_is_not_walked_through_in_the_middle_of_work() -> None:
    assert walked_through(settled=False) > 50_000, "the control: a collection then stands still for a frame or more"
    assert walked_through(settled=True) < 1_000
