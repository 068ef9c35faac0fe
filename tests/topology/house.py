"""The house with a fifth service, for SAGABOX_HOUSE: one line more than config/house.py."""

from config.house import PARTS
from tests.topology.vouchers.topology import PART as VOUCHERS
from topology.house import House

HOUSE = House(*PARTS, VOUCHERS)
