"""Voucher's HTTP API."""

from serving.service_api import service_api
from tests.topology.vouchers.commands import validate
from tests.topology.vouchers.models import DeadLetter, Outbox
from tests.topology.vouchers.truth import TRUTH

api = service_api("vouchers", outbox=Outbox, dead_letter=DeadLetter, validate=validate, truth=TRUTH)
