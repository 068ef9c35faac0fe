"""The checker of odd words: it finds old sentences of this product, and keeps its list of exceptions from growing."""

import pytest

from tests.english import English, problems


@pytest.fixture
def english() -> English:
    english = English()
    english.exceptions = {}
    return english


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("The nearest view in which so many entries can still be overlooked.", "overlook(ed)"),
        ("How long what comes should be let gather.", "what comes"),
        ("takes the operator's hand from whoever has the token", "whoever"),
        ("Supervisor and the tests are all held against it.", "held against"),
        ("# the slot is made and begins\n    # anew; its reader catches up", "anew"),
        ("the plan goes\n    on", "go|goes|going|went|gone on"),
        ('f"the hold has run "\n    "out"', "run|ran|runs out"),
        ("What the\nLog says is final.", "log says"),
        ("bookings per second, beside a Celery chain", "beside"),
        ("no sign of life for 10 s", "sign(s) of life"),
        ("the recorder is told the gap by a note", "is|are|was|were|be|been told"),
    ],
)
def test_an_old_sentence_is_found_over_the_end_of_a_line_too(english: English, sentence: str, words: str) -> None:
    assert [odd.words for odd in english.check("a.py", sentence)] == [words]


def test_the_line_is_that_of_the_first_word(english: English) -> None:
    assert [odd.line for odd in english.check("a.md", "It\ngoes\non.")] == [2]


@pytest.mark.parametrize(
    "text",
    ["POST /api/faults/{id}/go-on", "holds_against = of_late", "besides", "a person who knows the log", "dialog says"],
)
def test_addresses_names_and_ordinary_words_are_left_alone(english: English, text: str) -> None:
    assert list(english.check("a.py", text)) == []


def test_an_exception_is_for_one_file_and_must_be_needed(english: English) -> None:
    english.exceptions = {"old.py": ["anew"], "mended.py": ["anew"]}
    texts = [("old.py", "begins anew"), ("new.py", "begins anew"), ("mended.py", "starts again")]
    new, unused = problems(english, texts)
    assert new.startswith('new.py:1: "anew"')
    assert unused == 'tests/english.toml: "anew" is no longer in mended.py: remove the exception'


def test_the_list_names_files_that_are_there(english: English) -> None:
    assert {"README.md", "docs/architecture.md", "booking/saga/engine.py"} <= {path for path, _ in english.texts()}
