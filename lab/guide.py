"""A guide: the steps in which a person is led through an exhibit. A browser test plays the same steps, so a guide cannot rot."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Step:
    """`press`: CSS selectors of what is pressed, in this order. The step is done when `selector` matches what it should: `count`
    elements, or, without a count, at least one whose text contains `says`.
    """

    text: str
    press: Sequence[str]
    expect: str
    selector: str
    count: int | None = None
    says: str = ""
