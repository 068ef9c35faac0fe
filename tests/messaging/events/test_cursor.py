"""The rules of a cursor: which events it has, and up to where something is pending."""

from dataclasses import replace
from typing import Any

import pytest

from messaging.events.catch_up import Page
from messaging.events.cursor import UNKNOWN, Cursor

pytestmark = pytest.mark.django_db(databases=["seats", "payments"], transaction=True)


class TestCursor:
    """The rules themselves, without any input or output."""

    start = Cursor(source="seats", stream_id="1-0", event_id="a", horizon=10, pending=5)

    def event(self, **fields: Any) -> dict[str, Any]:
        return {"id": "b", "prev": "a", "horizon": "20", **fields}

    def test_a_chained_event_moves_the_horizon(self) -> None:
        assert self.start.streamed("2-0", self.event()) == replace(
            self.start, stream_id="2-0", event_id="b", horizon=20
        )

    def test_the_same_event_again_breaks_no_chain(self) -> None:
        assert self.start.streamed("2-0", self.event(id="a", prev="0")).complete

    @pytest.mark.parametrize("prev", ["", "other", None])
    def test_a_broken_chain_owes_up_to_nobody_knows_where(self, prev: str | None) -> None:
        broken = self.start.streamed("2-0", self.event(prev=prev))
        assert (broken.horizon, broken.pending, broken.complete) == (10, UNKNOWN, False)
        assert broken.streamed("3-0", self.event(id="c", prev="b", horizon="30")).horizon == 10

    def test_what_is_owed_is_known_only_from_an_answer_asked_for_after_the_doubt(self) -> None:
        page = Page(after=10, events=[], horizon=15, xmax=40, more=False)
        doubt = self.start.in_doubt()
        assert doubt.caught_up(page, settles=False).pending == UNKNOWN
        settling = doubt.caught_up(page, settles=True)
        assert (settling.horizon, settling.pending, settling.complete) == (15, 40, False)
        assert settling.caught_up(replace(page, after=15, horizon=40, xmax=50), settles=True).complete
