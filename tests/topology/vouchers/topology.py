"""Voucher's part of the house: an instance, a database and three programs of its own."""

from topology.parts import Database, Instance, Service, part
from topology.programs import of_service

ROOM = "tests.topology.vouchers"
SERVICE = Service(
    name="vouchers",
    title="Voucher",
    database="vouchers",
    module=ROOM,
    contract=f"{ROOM}.contract",
    truth={"voucher": "vouchers_voucher"},
)
DATABASE = Database(alias="vouchers", instance="vouchers", apps=("vouchers",))
PART = part(Instance(name="vouchers"), DATABASE, SERVICE, *of_service(SERVICE, DATABASE))
