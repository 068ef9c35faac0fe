"""The house with a fifth service that is on demand: its instance and its programs do not start with the sandbox."""

from dataclasses import replace

from config.house import PARTS
from tests.topology.vouchers.topology import PART
from topology.house import House

VOUCHERS = replace(PART, instances=tuple(replace(one, on_demand=True) for one in PART.instances))
HOUSE = House(*PARTS, VOUCHERS)
