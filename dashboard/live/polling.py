"""The socket's frames over HTTP, for a browser whose WebSockets do not get through: a page requests one every few seconds."""

from django.db import Error as DatabaseError  # InterfaceError too
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from dashboard.live.address import Address
from dashboard.live.consumer import TAIL, begin, following
from dashboard.live.frames import start_anew
from gateway.people.operator import is_operator


@require_GET
@never_cache
async def entries(request: HttpRequest) -> HttpResponse:
    """`GET /live/entries`, with the socket's query string: the one frame that continues the page. 503 without a journal."""
    address = Address.read(request.META["QUERY_STRING"].encode(), full=is_operator(request))
    try:
        pos = await begin(address)
        found = None if pos is None else await following(address, pos)
    except (DatabaseError, TimeoutError):
        return HttpResponse("the journal is not available", status=503, content_type="text/plain")
    return HttpResponse(found[0] if found else start_anew(TAIL.epoch))
