"""THE list of the exhibits is true: its files, rigs, groups, measures and guides exist."""

from pathlib import Path

import pytest

from config.house import HOUSE
from lab.exhibits import EXHIBITS, GROUPS, Exhibit
from lab.measuring import MEASURES

ROOT = Path(__file__).resolve().parents[2]
each = pytest.mark.parametrize("exhibit", EXHIBITS.values(), ids=lambda exhibit: exhibit.name)


@each
def test_what_it_names_is_there(exhibit: Exhibit) -> None:
    assert [path for path in (*exhibit.code, *exhibit.tests) if not (ROOT / path).is_file()] == []
    assert exhibit.group in GROUPS
    assert HOUSE.rig(exhibit.rig).programs
    assert (ROOT / "templates" / "lab" / f"{exhibit.name}.html").is_file()


@each
def test_each_way_has_a_name_of_its_own_and_is_measured(exhibit: Exhibit) -> None:
    assert len({way.name for way in exhibit.ways}) == len(exhibit.ways)
    assert exhibit.name in MEASURES
    assert exhibit.way(exhibit.ways[0].name) is exhibit.ways[0]
    assert exhibit.way("none") is None


@each
def test_a_guide_begins_by_starting_over_and_checks_each_step(exhibit: Exhibit) -> None:
    assert exhibit.guide[0].press == ("#rig-begin",)
    for step in exhibit.guide:
        assert step.press
        assert step.selector
        assert (step.count is None) == bool(step.says), "a count, or a text"


def test_the_numbers_are_their_order() -> None:
    numbers = [exhibit.number for exhibit in EXHIBITS.values()]
    assert numbers == sorted(set(numbers))
