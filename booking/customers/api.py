"""Customers over HTTP: read, and rename."""

from typing import Annotated, Any

from django.http import Http404, HttpRequest
from ninja import Path, Router, Schema

from booking.customers.renaming import CannotRename, Renaming, Why, rename
from booking.models import Customer
from booking.schemas import LONGEST_NAME, RenameIn
from messaging.database import Database
from messaging.message import LARGEST_ID
from messaging.typed_text import typed_text
from serving.doors.headers import IN_OPENAPI, key_of
from serving.problems import Problem, ProblemDetails
from serving.several import Numbers, numbers

STATUS = {Why.UNKNOWN: 404, Why.REUSED: 422, Why.MOVED: 409}
TITLE = {Why.UNKNOWN: "Unknown customer", Why.REUSED: "Idempotency key reused", Why.MOVED: "Changed meanwhile"}
CustomerId = Annotated[int, Path(ge=1, le=LARGEST_ID)]
router = Router()


class CustomerOut(Schema):
    id: int
    name: str
    email: str
    version: int


@router.get(
    "/customers",
    response={200: list[CustomerOut], 400: ProblemDetails, 422: ProblemDetails},
    summary="Customers: all, or those with these ids",
)
def customers(request: HttpRequest, ids: Numbers = None) -> Any:
    found = Customer.objects.order_by("id")
    return list(found if ids is None else found.filter(id__in=numbers("ids", ids)))


@router.get(
    "/customers/{customer_id}",
    response={200: CustomerOut, 404: ProblemDetails},
    summary="A customer, from the service that owns it",
)
def customer(request: HttpRequest, customer_id: CustomerId) -> Any:
    found = Customer.objects.filter(id=customer_id).first()
    if found is None:
        raise Http404(f"there is no customer {customer_id}")
    return found


@router.patch(
    "/customers/{customer_id}",
    response={200: CustomerOut, 400: ProblemDetails, 404: ProblemDetails, 409: ProblemDetails, 422: ProblemDetails},
    summary="Rename a customer; the views follow through the event",
    openapi_extra=IN_OPENAPI,
)
def patch(request: HttpRequest, customer_id: CustomerId, payload: RenameIn) -> Any:
    key = key_of(request)
    try:
        name = typed_text(payload.name, what="name", longest=LONGEST_NAME)
    except ValueError as error:
        where = [{"in": "body", "pointer": "#/name", "detail": str(error)}]
        raise Problem(422, "No possible name", str(error), errors=where) from error
    try:
        wanted = Renaming(key=key, customer=customer_id, name=name, version=payload.version)
        return rename(Database.of(Customer), wanted)
    except CannotRename as error:
        detail = str(error) if error.why != Why.UNKNOWN else f"there is no customer {customer_id}"
        raise Problem(STATUS[error.why], TITLE[error.why], detail) from error
