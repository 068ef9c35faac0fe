"""The house that this process belongs to: the one in the module that SAGABOX_HOUSE names, normally `config.house`.

Django code reads it as `settings.HOUSE`; this module is for what runs without Django.
"""

import os
from importlib import import_module

from topology.house import House
from topology.parts import TopologyError
from topology.programs import CHOICE


def chosen() -> House:
    """Raises TopologyError if there is no such module, or no house in it."""
    name = os.environ.get(CHOICE) or "config.house"
    try:
        house = getattr(import_module(name), "HOUSE", None)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        raise TopologyError(f"{CHOICE} is {name!r}, and there is no module of that name") from error
    if not isinstance(house, House):
        raise TopologyError(f"{CHOICE} is {name!r}, which has no HOUSE of the type topology.House")
    return house


HOUSE = chosen()
