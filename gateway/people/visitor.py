"""Visitors: a signed cookie, made at the first visit. There are no accounts; a booking belongs to the visitor who
placed it. The cookie holds a random id. Everything else, including the services and the journal, sees only a pseudonym
derived from it. The cookie cannot be derived from the pseudonym.
"""

from collections.abc import Callable
from functools import lru_cache
from secrets import token_hex

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponse, parse_cookie
from django.utils.crypto import salted_hmac

from gateway.people.operator import is_operator
from gateway.people.privacy import Viewer, seen_by
from serving.doors.headers import PLACED_BY

COOKIE, SALT = "visitor", "sagabox.visitor"
COOKIE_AGE_S = 365 * 24 * 3600
PROGRAMS = ("/api/", "/healthz", "/readyz", "/static/")  # what no browser opens as a page


def visitor(request: HttpRequest) -> str:
    """The visitor's pseudonym; "" for a script on this machine, which keeps no cookie."""
    found: str = getattr(request, "visitor", "")
    return found


def placed_by(request: HttpRequest) -> dict[str, str]:
    """The header that names the visitor to Booking."""
    found = visitor(request)
    return {PLACED_BY: found} if found else {}


def visitor_of_header(cookies: str) -> str:
    """The same for a Cookie header, where there is no request of Django's: the gateway, the socket."""
    return known(parse_cookie(cookies).get(COOKIE, "")) if cookies else ""


@lru_cache(maxsize=4096)
def known(cookie: str) -> str:
    """The pseudonym of a cookie with our signature, else ""."""
    try:
        return pseudonym(Signer(salt=SALT).unsign(cookie)) if cookie else ""
    except BadSignature:
        return ""


def pseudonym(id: str) -> str:
    return salted_hmac(SALT, id).hexdigest()[:16]


class Visitors:
    """Middleware. Sets `request.visitor`, and a cookie for a client without one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        found, new = known(request.COOKIES.get(COOKIE, "")), ""
        if not found and (not request.path.startswith(PROGRAMS) or _places_from_afar(request)):
            new = token_hex(16)
            found = pseudonym(new)
        request.visitor = found  # type: ignore[attr-defined]
        with seen_by(Viewer(is_operator(request), found)):
            response = self._get_response(request)
        if new:
            response.set_cookie(
                COOKIE, Signer(salt=SALT).sign(new), max_age=COOKIE_AGE_S, httponly=True, samesite="Lax",
                secure=settings.SESSION_COOKIE_SECURE,
            )  # fmt: skip
        return response


def _places_from_afar(request: HttpRequest) -> bool:
    """The owner of the booking must be known later: to decide who may see it in full, and cancel it."""
    return request.method == "POST" and request.path == "/api/bookings" and not is_operator(request)
