"""Who may break things and repair them: anybody on this machine; from elsewhere, anyone with the operator token.

    @require_operator            a view of the page: raises the Problem (401, 403 or 429), of which gateway.doors makes a page

The token comes as `Authorization: Bearer <OPERATOR_TOKEN>`, or as the signed cookie that `sign_in` sets for the page.
"""

import hmac
from collections.abc import Callable
from functools import wraps
from io import BytesIO
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

from serving.doors.origins import same_origin
from serving.operator_token import bearer_of, is_guessed, is_token
from serving.problems import Problem

COOKIE = "operator"
SALT = "sagabox.operator"
COOKIE_AGE_S = 8 * 3600


def is_operator(request: HttpRequest) -> bool:
    """For a page that shows more to operators: a client that guesses too often counts as a visitor."""
    try:
        return _is_let_in(request)
    except Problem:
        return False


def is_operator_of(scope: dict[str, Any]) -> bool:
    """The same for a WebSocket, from its ASGI scope."""
    try:
        return is_operator(ASGIRequest({**scope, "method": "GET"}, BytesIO()))
    except DisallowedHost:
        return False


def check_origin(request: HttpRequest) -> None:
    """Raise Problem 403 for a request from another site's page. A page that is open in a browser on this machine could
    send requests here too; it cannot hide its Origin.
    """
    origin = request.headers.get("Origin")
    ours = origin in (None, settings.PUBLIC_ORIGIN)
    if not ours and not same_origin(str(origin), request.scheme or "http", request.get_host()):
        raise Problem(403, "Foreign origin", f"{origin} is not this page")


def check_operator(request: HttpRequest) -> None:
    """Raise the Problem to answer with (401, 403, 429) unless this request may break anything."""
    check_origin(request)
    if not _is_let_in(request):
        detail = "from another machine, send the operator token: Authorization: Bearer <OPERATOR_TOKEN>"
        raise Problem(401, "Operators only", detail, headers={"WWW-Authenticate": "Bearer"})


def operators_only(request: HttpRequest) -> bool:
    """`auth=` of an operation of the API: django-ninja calls it before it parses the request."""
    check_operator(request)
    return True


def require_operator(view: Callable[..., Any]) -> Callable[..., Any]:
    """Admit only operators. Raises the Problem of `check_operator` for all others."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        check_operator(request)
        return view(request, *args, **kwargs)

    return guarded


def who(request: HttpRequest) -> str:
    """How the journal names the person behind a request: by where the request came from, since there are no accounts."""
    return "operator" if is_token(_bearer(request)) or _has_cookie(request) else _address(request)


def sign_in(request: HttpRequest, response: HttpResponse, token: str) -> bool:
    """Remember in this browser that the token was right; False, and no cookie, if it was not. Raises Problem 429."""
    if not is_guessed(token, _address(request)):
        return False
    response.set_signed_cookie(
        COOKIE, _held(), salt=SALT, max_age=COOKIE_AGE_S, httponly=True, samesite="Strict",
        secure=settings.SESSION_COOKIE_SECURE,
    )  # fmt: skip
    return True


def _is_local(request: HttpRequest) -> bool:
    """Whether the request comes from this machine and uses its local name. Behind a proxy no request does: the proxy
    may be on this machine too, and not every proxy passes on the client's address."""
    return is_local(request.META.get("REMOTE_ADDR", ""), request.get_host())


def is_local(address: str, called: str) -> bool:
    """`address`: the client's; `called`: the Host of the request, with or without a port."""
    if settings.PUBLIC_ORIGIN:
        return False
    host = urlsplit(f"//{called}").hostname or ""
    return _is_loopback(address) and (host == "localhost" or _is_loopback(host))


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _is_let_in(request: HttpRequest) -> bool:
    """Checked once per request: a wrong token counts as one guess, however often this is called. Raises Problem 429."""
    found: bool | None = getattr(request, "_is_operator", None)
    if found is None:
        found = _is_local(request) or _has_cookie(request) or is_guessed(_bearer(request), _address(request))
        request._is_operator = found  # type: ignore[attr-defined]
    return found


def _bearer(request: HttpRequest) -> str:
    return bearer_of(request.headers.get("Authorization", ""))


def _address(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))


def _has_cookie(request: HttpRequest) -> bool:
    held = request.get_signed_cookie(COOKIE, "", salt=SALT, max_age=COOKIE_AGE_S) or ""
    return bool(settings.OPERATOR_TOKEN) and hmac.compare_digest(held.encode(errors="replace"), _held().encode())


def _held() -> str:
    """The content of the cookie: a mark of the token that was used. So a new token ends the sessions of the previous one."""
    return salted_hmac(SALT, settings.OPERATOR_TOKEN).hexdigest()
