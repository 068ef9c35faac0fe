"""The house with a fifth service that is on demand: its instance and its programs do not start with the sandbox.

Nothing else is on demand in it: it has none of the lab's rigs.
"""

from dataclasses import replace

from config.house import PARTS
from tests.topology.vouchers.topology import PART
from topology.house import House

VOUCHERS = replace(PART, instances=tuple(replace(one, on_demand=True) for one in PART.instances))
HOUSE = House(*(one for one in PARTS if not one.rigs), VOUCHERS)
