"""Which messages pass which boundary of which service, and so can be the target of a fault there. Derived from the
contracts."""

from faults.points import Point
from topology.chosen import HOUSE
from topology.contract import contract

_CONTRACTS = {service.name: contract(service) for service in HOUSE.services}
_ORCHESTRATOR = HOUSE.orchestrator.name
_PARTICIPANTS = {service.name: _CONTRACTS[service.name] for service in HOUSE.participants}

COMMANDS = {name: (*one.commands, *one.fences) for name, one in _PARTICIPANTS.items()}
"""The orchestrator's commands to each participant."""

EVENTS = {name: one.events for name, one in _CONTRACTS.items()}
"""The events of each service."""

METHODS = ("GET", "POST")
STEPS = tuple(command for one in _PARTICIPANTS.values() for command in one.commands)
"""The names of a saga's steps, which can be refused. A fence only asks a question, so there is nothing to refuse."""


def taker(command: str) -> str:
    """The participant that takes this command. Raises LookupError."""
    for service, commands in COMMANDS.items():
        if command in commands:
            return service
    raise LookupError(f"no participant takes {command}")


def messages(point: Point, service: str = "") -> tuple[str, ...]:
    """The types that pass a point in a service, or in any; "" also for a point that is the same in all services."""
    match point:
        case Point.TRANSACTION_BEFORE | Point.TRANSACTION_INSIDE | Point.TRANSACTION_COMMITTED | Point.DATABASE:
            return _each(service, {**COMMANDS, _ORCHESTRATOR: _to_orchestrator()})
        case Point.ANSWER:
            return tuple(command for command in _each(service, COMMANDS) if command in STEPS)
        case Point.ORCHESTRATOR_BEFORE | Point.ORCHESTRATOR_AFTER:
            return _to_orchestrator()
        case Point.RELAY_BEFORE_PUBLISH | Point.RELAY_AFTER_PUBLISH | Point.BUS:
            return _each(service, {name: (*_sent_by(name), *EVENTS[name]) for name in EVENTS})
        case Point.PROJECTOR_BEFORE | Point.PROJECTOR_COMMITTED:
            return _each("", EVENTS)
        case Point.API:
            return METHODS
        case _:
            return ()


def _sent_by(service: str) -> tuple[str, ...]:
    """Commands and replies. The orchestrator and the front door's requests share the orchestrator's outbox."""
    if service == _ORCHESTRATOR:
        return (*(command for commands in COMMANDS.values() for command in commands), *_CONTRACTS[service].commands)
    return (*_replies(service), *_CONTRACTS[service].reports)


def _to_orchestrator() -> tuple[str, ...]:
    reports = (report for one in _PARTICIPANTS.values() for report in one.reports)
    return (
        *_CONTRACTS[_ORCHESTRATOR].commands,
        *reports,
        *(reply for name in _PARTICIPANTS for reply in _replies(name)),
    )


def _replies(service: str) -> tuple[str, ...]:
    return tuple(f"{command}Reply" for command in COMMANDS[service])


def _each(service: str, of: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    return of.get(service) or tuple(dict.fromkeys(name for names in of.values() for name in names))
