"""The one rule for text that people type, and how such text stands beside ours."""

import unicodedata
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from messaging.typed_text import FSI, LONGEST, PDI, Typed, isolated, typed_text

FLAG_OF_ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize(
    "name",
    [
        "O'Brien",
        "עמית",
        "محمد",
        "می\u200cخواهم",
        "Ana 👩\u200d🚀",
        "<script>alert(1)</script>",
        "李\U0002ebf0",  # CJK Extension I, of Unicode 15.1
        "李\U00031350田",  # Extension H, of Unicode 15
        "\U000323b0",  # Extension J, of Unicode 17
        "\U0001fae8",  # an emoji of Unicode 15
        "\U00011f02",  # Kawi, of Unicode 15
        "辻\U000e0100",  # a variant of a character, as a passport has it
        "ᠠ\u180eᠠ",
        "אב\u200fג 12",
        FLAG_OF_ENGLAND,
    ],
)
def test_people_and_shows_are_called_many_things(name: str) -> None:
    assert typed_text(f" {name}\u00a0") == name


@pytest.mark.parametrize(
    "around", ["\u200e", "\u200f", "\u061c", "\u00ad", "\ufeff", "\u200b", "\u2060", "\n", " \u200f\u00a0"]
)
def test_marks_that_a_copy_brought_along_go(around: str) -> None:
    assert typed_text(f"{around}Ana Pérez{around}") == "Ana Pérez"


def test_what_was_copied_from_a_page_of_ours_comes_without_its_isolate() -> None:
    assert typed_text(isolated("حفلة 2030")) == "حفلة 2030"


def test_text_is_kept_in_one_form() -> None:
    assert typed_text("Parkett u\u0308ber") == typed_text("Parkett über") == "Parkett über"


NOTHING = ["", " ", "\u200b", "\u3164", "\u115f\u1160", "\uffa0", "\u2800", "\u2060 \u2060", "\u00ad",
           "\u0301", "\ufe0f", "\u2068\u2069", "\U0001d159", "\u17b4"]  # fmt: skip


@pytest.mark.parametrize("nothing", NOTHING)
def test_what_nobody_can_see_is_no_text(nothing: str) -> None:
    with pytest.raises(ValueError, match="a title needs at least one character that can be seen"):
        typed_text(nothing, what="title")


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ("Show \u202eterces\u202c", "character 6 of the title (U+202E) is a control of the writing direction"),
        ("\u202e", "control of the writing direction"),
        ("a\u2067b\u2069", "control of the writing direction"),
        ("\u2068a\u2069b\u2068c\u2069", "control of the writing direction"),
        ("Min\u200fjun", "mark of the writing direction"),
        ("a\x00b", "U+0000) is a control character"),
        ("a\tb", "control character"),
        ("a\u2029b", "line break"),
        ("Min\u200bjun", "invisible"),
        ("a\U000e0041b", "invisible"),
        ("\ud800", "half of a surrogate pair"),
        ("\ue000", "no character of any script"),
        ("\ufdd0", "never will be one"),
        ("\U0002fffe", "never will be one"),
        ("x" * (LONGEST + 1), f"at most {LONGEST} characters; this one has {LONGEST + 1}"),
    ],
)
def test_what_makes_a_reader_see_something_else_is_refused(raw: str, told: str) -> None:
    with pytest.raises(ValueError) as refused:
        typed_text(raw, what="title")
    assert told in str(refused.value)


@given(st.text())
def test_what_was_kept_is_kept_again_as_it_is(raw: str) -> None:
    try:
        kept = typed_text(raw)
    except ValueError:
        return
    assert typed_text(kept) == kept == unicodedata.normalize("NFC", kept)
    assert not set(kept) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\x00")
    assert isolated(kept).strip(FSI + PDI) == kept


def test_a_field_may_be_left_empty_only_if_it_says_so() -> None:
    assert TypeAdapter(Annotated[str, Typed("seed", may_be_empty=True)]).validate_python(" \u00a0") == ""
    with pytest.raises(ValidationError, match="a seed needs at least one character"):
        TypeAdapter(Annotated[str, Typed("seed")]).validate_python(" ")


@pytest.mark.parametrize("ours", ["Concert 2024", "Ana (the 2nd), 김민준", ""])
def test_text_that_runs_our_way_needs_no_isolate(ours: str) -> None:
    assert isolated(ours) == ours


@pytest.mark.parametrize("theirs", ["حفلة 2030", "عرض", "٢٠٣٠", "12 עמית", "\u200f!", "\U00010d70"])
def test_text_that_may_run_the_other_way_is_isolated(theirs: str) -> None:
    assert isolated(theirs) == f"{FSI}{theirs}{PDI}"


def test_text_from_before_the_rule_cannot_leave_its_isolate() -> None:
    assert isolated("Show \u202eterces\u202c") == "Show terces"
    assert isolated("א\u2069\u202e2") == f"{FSI}א2{PDI}"
