"""Voucher's HTTP API."""

from ninja import NinjaAPI

from serving import dead_letter_api, event_api, hashes_api, health, truth_api
from serving.problems import install
from tests.topology.vouchers.commands import validate
from tests.topology.vouchers.models import DeadLetter, Outbox
from tests.topology.vouchers.truth import TRUTH
from topology.chosen import HOUSE

api = NinjaAPI(title="Sagabox: Voucher service", urls_namespace="vouchers")
install(api)
PATH = "/api/vouchers"
api.add_router(PATH, event_api.router(Outbox))
api.add_router(PATH, dead_letter_api.router("vouchers", dead_letter=DeadLetter, outbox=Outbox, validate=validate))
api.add_router(PATH, truth_api.router(Outbox, TRUTH))
api.add_router(PATH, hashes_api.router("vouchers"))
api.add_router(
    "", health.router({"database": health.database(HOUSE.database_of("vouchers").alias), "redis": health.redis})
)
