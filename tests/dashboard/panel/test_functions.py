"""The table of functions and tests: everything it names is there, and every recorded transaction is in it.

That each test really calls its function is checked when the test itself runs (tests/covering.py).
"""

import ast
from pathlib import Path

import pytest

from dashboard.panel.functions import WORK, source, work_of
from faults.messages import COMMANDS
from tests.covering import ROOT, Watched
from tests.drawing.recording import recorded

MENTIONED = sorted({work.test for work in WORK.values()})


@pytest.mark.parametrize("name", sorted(WORK))
def test_the_function_is_there(name: str) -> None:
    function = WORK[name].function
    found = source(function)
    assert f"def {function.rpartition('.')[2]}(" in found.text
    assert (ROOT / found.path).read_text().splitlines()[found.line - 1] in found.text


@pytest.mark.parametrize("node", MENTIONED)
def test_the_test_is_there(node: str) -> None:
    path, _, name = node.partition("::")
    tree = ast.parse((ROOT / path).read_text())
    assert name in {one.name for one in tree.body if isinstance(one, ast.FunctionDef)}


def test_every_command_has_a_function() -> None:
    assert {command for commands in COMMANDS.values() for command in commands} <= WORK.keys()


def test_a_function_that_is_not_there() -> None:
    for name in ("payments.transactions.steal", "nobody.services.take", "messaging.events.view.View"):
        with pytest.raises(LookupError):
            source(name)


def test_a_test_that_does_not_call_its_function_is_found_out() -> None:
    watched = Watched({"dashboard.panel.functions.source"})
    assert watched.missing
    code = source.__wrapped__.__code__
    assert Path(code.co_filename) == ROOT / "dashboard/panel/functions.py"

    class Frame:
        f_code = code

    watched(Frame(), "return", None)  # type: ignore[arg-type]
    assert watched.missing
    watched(Frame(), "call", None)  # type: ignore[arg-type]
    assert not watched.missing


@pytest.mark.parametrize("name", ["confirmed", "declined", "printer_refused", "lost_acknowledgement", "rolled_back"])
def test_each_transaction_of_a_recorded_booking_has_one(name: str) -> None:
    _, entries = recorded(name)
    for entry in entries:
        messages = [change["new"] for change in entry["changes"] if change["table"].endswith("_outbox")]
        work = work_of(entry, messages)
        assert (work is None) == (entry["kind"] == "observation"), entry["title"]
        if work and "TakePayment:" in entry["title"]:
            assert work.function == "payments.transactions.take"
