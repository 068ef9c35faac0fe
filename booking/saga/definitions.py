"""Every saga that this service runs, by the name and version in its rows; and the check of rows that fit none of them."""

from collections.abc import Mapping
from typing import Any

from booking.saga.book_tickets import BOOK_TICKETS
from booking.saga.cancel_booking import CANCEL_BOOKING
from booking.saga.definition import SagaDefinition, Step
from booking.saga.state import SagaState, restore
from messaging.envelope import COMPENSATION, FENCE, FORWARD

DEFINITIONS = {definition.name: definition for definition in (BOOK_TICKETS, CANCEL_BOOKING)}
"""The definitions that new sagas follow."""
EARLIER: tuple[SagaDefinition, ...] = ()
"""Definitions of earlier versions. Keep one here, with its version, until the last saga that follows it has ended."""
WHOLE = "whole saga"
"""The step in a saga's row when a person has ended it manually: everything that was left is waived."""


class UnknownSagaError(LookupError):
    """A saga's row that this version cannot continue; the text names the unknown part."""


def definitions() -> list[SagaDefinition]:
    return [*DEFINITIONS.values(), *EARLIER]


def known_places() -> list[tuple[str, int, str, str]]:
    """Where a saga can be: each (definition, version, step, action)."""
    return [
        (definition.name, definition.version, step.name, action)
        for definition in definitions()
        for step in definition.steps
        for action in _actions(step)
    ]


def restored(definition: str, version: int, **row: Any) -> tuple[SagaDefinition, SagaState]:
    """A saga's row (the arguments of `restore`) with the definition it follows. Raises UnknownSagaError."""
    found = next((one for one in definitions() if (one.name, one.version) == (definition, version)), None)
    if found is None:
        raise UnknownSagaError(f"this version of Booking has no definition {definition} {version}")
    title = f"definition {definition} {version}"
    try:
        _check_place(found, title, row["step"], row["action"])
        _check_tracks(found, title, row["step"], row["steps"])
        state = restore(found, **row)
        found.steps[state.position].build(state.action, state.context)
    except KeyError as error:
        raise UnknownSagaError(f"the saga's row has no {error}, which {title} needs at {row['step']}") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise UnknownSagaError(f"the saga's row does not fit {title}: {error}") from error
    return found, state


def _actions(step: Step) -> list[str]:
    commands = {FORWARD: step.forward, COMPENSATION: step.compensation, FENCE: step.fence}
    return [action for action, command in commands.items() if command is not None]


def _check_place(definition: SagaDefinition, title: str, step: str, action: str) -> None:
    if step not in definition.index:
        raise UnknownSagaError(f"{title} has no step {step}")
    if action not in _actions(definition.steps[definition.index[step]]):
        raise UnknownSagaError(f"{title} has no {action} of {step}")


def _check_tracks(definition: SagaDefinition, title: str, step: str, tracks: Mapping[str, Any]) -> None:
    """Check that the steps a saga has run are in the definition: an unknown one would be neither awaited nor undone."""
    if WHOLE in tracks:
        raise UnknownSagaError("a person has ended it by hand")
    strange = sorted(set(tracks) - set(definition.index))
    if strange:
        raise UnknownSagaError(f"{title} has no step {', '.join(strange)}, which the saga has run")
    before = definition.steps[: definition.index[step]]
    missing = [one.name for one in before if FORWARD not in tracks.get(one.name, {})]
    if missing:
        raise UnknownSagaError(
            f"the saga is at {step} and has not run {', '.join(missing)}, which {title} puts before it"
        )
