"""The lanes of a drawing, from left to right: their services, their names, and their side of the bus.

They depend on how a booking is made: an orchestrated saga has an orchestrator's lane, a choreographed one has none. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from topology.house import House
from topology.sagas import Saga


class Kind(StrEnum):
    BROWSER = "browser"  # a person's requests
    BUS = "bus"  # messages, by name
    SERVICE = "service"  # the transactions of a service
    VIEWS = "views"  # a projector's transactions, many of which make one box


@dataclass(frozen=True, slots=True)
class Lane:
    """`service`: whose entries are drawn in it, and whose hue it has. `letter` heads it on a phone. `width`: at its narrowest.
    `also`: other services that are drawn in it."""

    service: str
    name: str
    letter: str
    width: float = 94
    kind: Kind = Kind.SERVICE
    left_of_bus: bool = False  # as arranged
    also: tuple[str, ...] = ()


BROWSER = Lane("browser", "Browser", "Br", 64, Kind.BROWSER)
BUS = Lane("bus", "Bus", "⇄", 106, Kind.BUS)
VIEWS = 54  # width of a lane that has only dots


class Arrangement:
    """The lanes of one drawing. Raises ValueError for none at all, for two of a service, and for two buses."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        services = [lane.service for lane in lanes]
        buses = [number for number, lane in enumerate(lanes) if lane.kind == Kind.BUS]
        if not lanes or len(set(services)) < len(services) or len(buses) > 1:
            raise ValueError(
                f"a drawing needs lanes, one of a service and one bus at most: {', '.join(services) or 'none'}"
            )
        bus = buses[0] if buses else len(lanes)
        self.lanes = tuple(replace(lane, left_of_bus=number < bus) for number, lane in enumerate(lanes))
        self.bus = self._first(Kind.BUS)
        self.browser = self._first(Kind.BROWSER)
        mine = [lane for lane in self.lanes if lane.kind not in (Kind.BROWSER, Kind.BUS)]
        self._of = {service: lane for lane in mine for service in (lane.service, *lane.also)}

    def of(self, service: str) -> Lane:
        """The lane of an entry of this service: for a service without a lane, the browser's, or the first."""
        return self._of.get(service) or self.browser or self.lanes[0]

    def _first(self, kind: Kind) -> Lane | None:
        return next((lane for lane in self.lanes if lane.kind == kind), None)


def folded(lanes: Sequence[Lane]) -> tuple[Lane, ...]:
    """The same lanes for a picture at a glance: no browser and no bus, and one narrow lane for all views, at the right."""
    services = [lane for lane in lanes if lane.kind == Kind.SERVICE]
    views = [lane for lane in lanes if lane.kind == Kind.VIEWS]
    if not services:
        return tuple(lanes)
    also = tuple(lane.service for lane in views[1:])
    return (*services, *(replace(lane, name="Views", width=VIEWS, also=also) for lane in views[:1]))


def orchestrated(house: House, followed: Sequence[Saga], seen: Collection[str] = ()) -> tuple[Lane, ...]:
    """The lanes of a booking whose orchestrator requests each step. The bus is placed where every command and reply
    crosses it.

    `followed`: the sagas that the booking is in; `seen`: services that have acted for it, whether its sagas name them or not.
    """
    wanted = {step.service for saga in followed for step in saga.steps} | set(seen)
    return (
        BROWSER,
        Lane(house.orchestrator.name, "Orchestrator", house.orchestrator.letter, 102),
        BUS,
        *(Lane(one.name, one.title, one.letter) for one in house.participants if one.name in wanted or not followed),
        *(Lane(one.name, "Projector", one.letter, 86, Kind.VIEWS) for one in house.views),
    )
