"""The strip says what the engine knew at each moment of a recorded booking."""

from collections.abc import Iterator
from typing import Any

import pytest

from booking.saga.definition import SagaDefinition
from booking.saga.definitions import DEFINITIONS
from booking.saga.state import SagaState, restore
from config.house import HOUSE
from drawing import steps
from journal.reading.stories import fold
from messaging.saga_report import of_row
from tests.drawing.evidence import CELLS, STORIES, told_of
from topology.sagas import sagas


def moments(name: str) -> Iterator[tuple[int, dict[str, Any], list[dict[str, Any]]]]:
    """Each state of each saga of the booking: (position, its row, the strips as the stage draws them)."""
    booking, entries = told_of(name)
    for entry in entries:
        told = fold(booking, entries, entry["pos"])
        rows = told.tables.get("booking", {}).get("booking_saga", {})
        strips = {
            one["id"]: strip
            for one, strip in zip(sorted(rows.values(), key=lambda r: r["id"]), steps.sagas(told.tables), strict=False)
        }
        for key, row in rows.items():
            yield entry["pos"], row, [strips[row["id"]]] if key else []


@pytest.mark.parametrize("name", [*STORIES, *CELLS])
def test_the_strip_says_what_the_engine_knows(name: str) -> None:
    """At each moment: what remains and its direction are the engine's own, and a step that will not come is not `to do`."""
    for pos, row, strips in moments(name):
        definition = DEFINITIONS[row["definition"]]
        fields = {field: row[field] for field in ("id", "step", "action", "reason", "context", "steps")}
        state = restore(definition, status=row["state"], **fields)
        strip, where = strips[0], f"{name} #{pos}"
        told = of_row(row, sagas(HOUSE.orchestrator))
        assert (told["done"], told["remaining"]) == (_done(definition, state), _remaining(definition, state)), where
        assert told["unknown"] == "", where
        remaining = _remaining(definition, state)
        back = state.status in ("COMPENSATING", "COMPENSATED") or (
            state.status == "STUCK" and state.action == "compensation"
        )
        if state.status in ("COMPLETED", "COMPENSATED"):
            assert strip["rest"] == "", where
        elif state.action == "fence":
            assert strip["rest"] == f"to find out: how {row['step']} ended", where
        else:
            direction = "to undo" if back else "to do"
            assert strip["rest"] == (f"{direction}: {', '.join(remaining)}" if remaining else ""), where
        done = _done(definition, state)
        undone = {step.name for step in definition.steps if step.compensation and step.compensation.type() in done}
        assert strip["done"] == len(
            [
                name
                for name in definition.index
                if name in done and name not in undone and state.track(name, "forward").known == "succeeded"
            ]
        ), where
        for step, told in zip(definition.steps, strip["steps"], strict=True):
            text, forward = told["text"], state.track(step.name, "forward")
            attempts = (state.track(step.name, "compensation") or forward).attempts or forward.attempts
            if text.startswith("to do"):
                assert not back, where
                assert state.status in ("RUNNING", "STUCK"), where
            if "refused" in text:
                assert forward.known == "refused" or attempts[-1].error not in ("", "no_answer"), where
            if "no answer yet" in text:
                assert state.status == "RUNNING", f"{where}: {text}"
                assert attempts[-1].error == "", f"{where}: {text}"
            if told["due"]:
                assert row["step"] == step.name, where
                assert row["due_at"], where
                assert (told["until"] == "next try") == bool(state.track(step.name, state.action).attempts[-1].error), (
                    where
                )


def _done(definition: SagaDefinition, state: SagaState) -> list[str]:
    """The commands that have been carried out, by the engine's state."""
    over = ("succeeded", "skipped")
    forward = [step.name for step in definition.steps if state.track(step.name, "forward").known in over]
    back = [step for step in reversed(definition.steps) if state.track(step.name, "compensation").known in over]
    return forward + [step.command("compensation").type() for step in back]


def _remaining(definition: SagaDefinition, state: SagaState) -> list[str]:
    """The commands still to come, by the engine's state."""
    if state.status in ("COMPLETED", "COMPENSATED"):
        return []
    if state.action != "compensation":
        over = ("succeeded", "skipped")
        return [step.name for step in definition.steps if state.track(step.name, "forward").known not in over]
    return [
        step.command("compensation").type()
        for step in reversed(definition.steps)
        if step.kind == "compensatable"
        and state.track(step.name, "forward").known in ("sent", "succeeded")
        and state.track(step.name, "compensation").known not in ("succeeded", "skipped")
    ]
