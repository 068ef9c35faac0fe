"""Payment's part of the house."""

from topology.parts import Database, Instance, Service, part
from topology.programs import of_service

SERVICE = Service(
    name="payments",
    title="Payment",
    database="payments",
    contract="payments.contract",
    shown="payments.shown",
    truth={"payment": "payments_payment", "refund": "payments_refund"},
)
DATABASE = Database(alias="payments", instance="payments", apps=("payments",))
PART = part(Instance(name="payments"), DATABASE, SERVICE, *of_service(SERVICE, DATABASE))
