"""The house with a fifth service whose tables are in Payment's database, for SAGABOX_HOUSE."""

from dataclasses import replace

from config.house import PARTS, PAYMENTS
from tests.topology.vouchers.topology import SERVICE
from topology.house import House
from topology.parts import part
from topology.programs import of_service

(OWN,) = PAYMENTS.databases
SHARED = replace(OWN, apps=(*OWN.apps, SERVICE.app))
VOUCHERS = replace(SERVICE, database=SHARED.alias, slot="relay_vouchers", publication="outbox_vouchers")
HOUSE = House(
    *(replace(PAYMENTS, databases=(SHARED,)) if one is PAYMENTS else one for one in PARTS),
    part(VOUCHERS, *of_service(VOUCHERS, SHARED)),
)
