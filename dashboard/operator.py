"""Who may break things and put them right by hand: anybody on this machine, elsewhere whoever knows the operator token.

    @require_operator            a view of the page or of the API; answers 401 or 403 as a problem document

The token comes as `Authorization: Bearer <OPERATOR_TOKEN>`, or as the signed cookie that `sign_in` sets for the page.
"""

import hmac
from collections.abc import Callable
from functools import wraps
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from messaging.problems import Problem

COOKIE, HELD = "operator", "yes"
SALT = "sagabox.operator"
COOKIE_AGE_S = 8 * 3600


def is_operator(request: HttpRequest) -> bool:
    return _is_local(request) or _has_token(request) or _has_cookie(request)


def check_operator(request: HttpRequest) -> None:
    """Raise the Problem to answer with unless this request may break things.

    A page of somebody else, open in a browser on this machine, could send requests here too; it cannot hide its Origin.
    """
    origin = request.headers.get("Origin")
    if origin not in (None, settings.PUBLIC_ORIGIN) and urlsplit(origin).netloc != request.get_host():
        raise Problem(403, "Foreign origin", f"{origin} is not this page")
    if not is_operator(request):
        detail = "off this machine, send the operator token: Authorization: Bearer <OPERATOR_TOKEN>"
        raise Problem(401, "Operators only", detail, headers={"WWW-Authenticate": "Bearer"})


def require_operator(view: Callable[..., Any]) -> Callable[..., Any]:
    """Let only operators in; a plain view, which has no API around it, answers with the problem itself."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            check_operator(request)
        except Problem as problem:
            return problem.response()
        return view(request, *args, **kwargs)

    return guarded


def who(request: HttpRequest) -> str:
    """How the journal names the person behind a request: nobody has an account here, so by the way in."""
    return "operator" if _has_token(request) or _has_cookie(request) else f"{request.META.get('REMOTE_ADDR', '')}"


def sign_in(response: HttpResponse, token: str) -> bool:
    """Remember on this browser that the token was right; False, and no cookie, if it was not."""
    if not _is_token(token):
        return False
    response.set_signed_cookie(
        COOKIE, HELD, salt=SALT, max_age=COOKIE_AGE_S, httponly=True, samesite="Strict",
        secure=settings.SESSION_COOKIE_SECURE,
    )  # fmt: skip
    return True


def _is_local(request: HttpRequest) -> bool:
    """From this machine, and called by its local name. With a proxy in front nobody is: it stands on this machine too, and not
    every proxy passes on whom it speaks for."""
    return is_local(request.META.get("REMOTE_ADDR", ""), request.get_host())


def is_local(address: str, called: str) -> bool:
    """`address`: of who asks; `called`: the name by which we are asked, with or without a port."""
    if settings.PUBLIC_ORIGIN:
        return False
    host = urlsplit(f"//{called}").hostname or ""
    return _is_loopback(address) and (host == "localhost" or _is_loopback(host))


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _has_token(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and _is_token(token.strip())


def _has_cookie(request: HttpRequest) -> bool:
    return request.get_signed_cookie(COOKIE, "", salt=SALT, max_age=COOKIE_AGE_S) == HELD


def _is_token(token: str) -> bool:
    return bool(settings.OPERATOR_TOKEN) and hmac.compare_digest(token.encode(), settings.OPERATOR_TOKEN.encode())
