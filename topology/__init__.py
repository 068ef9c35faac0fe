"""The plan of the house as data: its services, the databases of their tables, and the programs that run for them.

Four things that may have the same name and need not: an `Instance` (a PostgreSQL server), a `Database` on it, a `Service` with
its tables in one, and a `Program` that runs. Each room declares its `Part` in `<room>/topology.py`; `config/house.py` joins the
parts to a `House`, which answers questions about the whole. Imports neither Django nor any room.
"""

from topology.house import House
from topology.parts import Database, Instance, Kind, Part, Program, Rig, Service, Tier, TopologyError, part

__all__ = [
    "Database",
    "House",
    "Instance",
    "Kind",
    "Part",
    "Program",
    "Rig",
    "Service",
    "Tier",
    "TopologyError",
    "part",
]
