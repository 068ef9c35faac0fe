"""docs/tuning.md is what the code says, and no wait of the product is missing from it."""

import ast
import re
from pathlib import Path

import pytest

from topology.tuning_table import OUTSIDE, ROOT, TuningError, constants, page

FOUND = constants()
WAIT = re.compile(r"(?:_S|_MS|EVERY|PATIENCE|BACKOFF)$")
NO_TUNING = {
    ("fault", "HANG_S"): "limit of a fault",
    ("fault", "HOLD_S"): "limit of a fault",
    ("fault", "LONGEST_S"): "limit of a fault",
    ("relay_faults", "OVERTAKEN_S"): "part of a fault's definition",
    ("operator_token", "IN_S"): "contract: how many guesses there are in a minute",
    ("traffic", "MOST_PER_S"): "limit of the lab's traffic",
    ("traffic", "LONGEST_S"): "limit of the lab's traffic",
    ("asking", "NETWORKS_MS"): "choices that a page offers",
    ("browser", "ROUND_TRIPS_MS"): "choices that a page offers",
    ("api", "SLOWEST_NETWORK_MS"): "limit of a simulated network",
    ("pages", "OUTAGE_S"): "limit of a fault",
    ("measuring", "NETWORK_MS"): "part of a figure's definition",
    ("history", "IDLE_S"): "drawing: a silence that the swimlanes show",
}


def waits(file: Path) -> set[str]:
    """Numbers at module level whose name says that they are a wait, and that have no unit."""
    found = set()
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name | ast.Tuple):
            names = [one.id for one in ast.walk(node.targets[0]) if isinstance(one, ast.Name) and WAIT.search(one.id)]
            try:
                value = ast.literal_eval(node.value)
            except ValueError:
                continue
            if names and all(isinstance(one, int | float) for one in (value if isinstance(value, tuple) else [value])):
                found |= set(names)
    return found


def test_the_document_is_what_the_code_says() -> None:
    assert (ROOT / "docs" / "tuning.md").read_text() == page(FOUND), "run `make tuning`"


def test_every_wait_of_the_product_is_in_the_document() -> None:
    rooms = [path for path in ROOT.iterdir() if (path / "__init__.py").is_file() and path.name not in OUTSIDE]
    files = [file for room in rooms for file in room.rglob("*.py")]
    found = {(file.stem, name): f"{file.relative_to(ROOT)}: {name}" for file in files for name in waits(file)}
    missing = [place for known, place in found.items() if known not in NO_TUNING]
    assert not missing, "annotate it with a unit of topology/tuning.py and say what it is for, then run `make tuning`"
    assert NO_TUNING.keys() <= found.keys(), "an exception that nothing needs"


def room_of(directory: Path, text: str) -> Path:
    (directory / "room").mkdir()
    (directory / "room" / "__init__.py").touch()
    (directory / "room" / "pace.py").write_text(f"from topology.tuning import Count, Seconds\n{text}")
    return directory


@pytest.mark.parametrize(
    ("text", "purpose"),
    [
        ("LOOK_S: Seconds = 5.0  # between two looks", "between two looks"),
        ("# Between\n# two looks.\nLOOK_S: Seconds = 5.0", "Between two looks."),
        ('LOOK_S: Seconds = 5.0\n"""Between\ntwo looks."""', "Between two looks."),
    ],
    ids=["beside", "above", "below"],
)
def test_what_a_constant_is_for_is_read_where_it_stands(tmp_path: Path, text: str, purpose: str) -> None:
    (found,) = constants(room_of(tmp_path, text))
    assert (found.name, found.value, found.unit, found.purpose) == ("room.pace.LOOK_S", "5.0", "s", purpose)


def test_a_script_of_the_page_has_them_too(tmp_path: Path) -> None:
    script = tmp_path / "static" / "room" / "pace.js"
    script.parent.mkdir(parents=True)
    script.write_text("const PACE_MS = 2_000; // between two looks\nconst MOST = 8;\n")
    (found,) = constants(tmp_path)
    assert (found.name, found.value, found.unit) == ("static/room/pace.js PACE_MS", "2000", "ms")
    script.write_text("const PACE_MS = 2_000;\n")
    with pytest.raises(TuningError, match="PACE_MS"):
        constants(tmp_path)


def test_what_it_gained_stands_in_a_column_of_its_own(tmp_path: Path) -> None:
    found = constants(room_of(tmp_path, "PAGE: Count = 1_000  # events at once. Gained: 3 to 2 ms"))
    assert "| `room.pace.PAGE` | 1000 | number | events at once. | 3 to 2 ms |" in page(found)


def test_a_constant_that_does_not_say_what_it_is_for_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TuningError, match=r"room\.pace\.LOOK_S"):
        constants(room_of(tmp_path, "LOOK_S: Seconds = 5.0"))
