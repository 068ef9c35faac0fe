"""Settings, all from the environment. `SERVICE` is the service of this process, which determines its databases.

A process started with `SERVICE=seats` has one alias, that of Seat's database. It cannot use the other databases: it has
no address and no password for them. HOUSE lists all services and databases.
"""

import os
import re
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from django.http.request import split_domain_port

from topology.chosen import HOUSE

BASE_DIR = Path(__file__).resolve().parent.parent

SERVICE = os.environ.get("SERVICE", "none")
ALIASES = list(HOUSE.aliases)
SERVICES = [service.name for service in HOUSE.services]
APIS = [service.name for service in HOUSE.apis]  # processes that serve only an API, and no pages

DEBUG = os.environ.get("DEBUG") == "1"
NO_SECRET = "only-for-commands-that-sign-nothing"  # anybody can read it here
SECRET_KEY = os.environ.get("SECRET_KEY", "").strip() or NO_SECRET
if SECRET_KEY == NO_SECRET and SERVICE in ("web", *APIS):
    raise ImproperlyConfigured(
        f"SERVICE={SERVICE} needs a SECRET_KEY of its own: without one anybody could sign its cookies"
    )
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]").split(",")


def _origin(text: str) -> str:
    """`https://tickets.example` as browsers send it in Origin; "" stays "". Raises ImproperlyConfigured."""
    shape = r"(https?)://(\[[0-9a-f:.]+\]|[^][\s/@:?#\\%*]+)(?::(\d{1,5}))?/?"
    if not text.strip():
        return ""
    if not (match := re.fullmatch(shape, text.strip().lower(), re.ASCII)):
        raise ImproperlyConfigured(f"PUBLIC_ORIGIN is {text!r}; it looks like https://tickets.example, without a path")
    scheme, host, port = match.groups()
    try:
        host = host.encode("idna").decode()
    except UnicodeError as error:
        raise ImproperlyConfigured(f"PUBLIC_ORIGIN is {text!r}, and {host} is no name of a host: {error}") from error
    return f"{scheme}://{host}" + ("" if port in (None, {"http": "80", "https": "443"}[scheme]) else f":{port}")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


# The front door: the address it is published on, and the origin under which browsers see it behind a proxy.
FRONT_HOST = os.environ.get("FRONT_HOST") or "127.0.0.1"
PUBLIC_ORIGIN = _origin(os.environ.get("PUBLIC_ORIGIN", ""))
# Other people than the one at this machine can reach the front door: the protection of people from each other is on.
OFF_LOOPBACK = bool(PUBLIC_ORIGIN) or not _is_loopback(FRONT_HOST)
if PUBLIC_ORIGIN:
    ALLOWED_HOSTS.append(split_domain_port(urlsplit(PUBLIC_ORIGIN).netloc)[0])
    CSRF_TRUSTED_ORIGINS = [PUBLIC_ORIGIN]
# TLS ends at the proxy, which sets this header and does not pass on a client's own
if PUBLIC_ORIGIN.startswith("https:"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE = True
    SECURE_HSTS_SECONDS = 365 * 24 * 3600

# how long Seat holds seats before it reports them as expired
HOLD_SECONDS = float(os.environ.get("HOLD_SECONDS", "600"))
# A message that failed is retried automatically: after this many seconds, then after twice as long each time, up to the
# longest. Longer than a saga waits for an answer, so that the watchdog, which sends commands again, goes first.
LETTER_RETRY_S = float(os.environ.get("LETTER_RETRY_S", "10"))
LETTER_LONGEST_RETRY_S = float(os.environ.get("LETTER_LONGEST_RETRY_S", "300"))
# How much of the journal is kept: entries, and (about) bytes of entries and derived data; 0: all.
JOURNAL_KEEP_ENTRIES = int(os.environ.get("JOURNAL_KEEP_ENTRIES", "2000000"))
JOURNAL_KEEP_BYTES = int(os.environ.get("JOURNAL_KEEP_BYTES", "20000000000"))
# How long a visitor's run is recorded before another visitor's may end it, in seconds: there is one live tape.
VISITOR_RUN_S = float(os.environ.get("VISITOR_RUN_S", "900"))
# How often the auditor reads everything again, in seconds; in between it reads what has changed.
AUDIT_EVERY_S = float(os.environ.get("AUDIT_EVERY_S", "300"))
OPERATOR_TOKEN = os.environ.get("OPERATOR_TOKEN", "")
CONNECT_S = 2 if SERVICE in {*APIS, "web"} else 5  # to a PostgreSQL that does not answer; an API's caller waits


# A program that writes the service's replicas has the address of another role, and not the owner's.
_REPLICAS = {one.database: one.replica_url for one in HOUSE.replicating if one.name == SERVICE}


def _key(alias: str) -> str:
    """The environment variable with the address by which this process uses the database; it may be missing."""
    own = HOUSE.database(alias).url
    return own if os.environ.get(own) else _REPLICAS.get(alias, own)


def _database(alias: str) -> dict:
    url = os.environ[_key(alias)]
    config = dict(dj_database_url.parse(url, conn_max_age=None, engine="messaging.postgresql"))
    config["CONN_HEALTH_CHECKS"] = True
    config["TEST"] = {"DEPENDENCIES": []}  # without it, tests that name one alias fail with "Circular dependency"
    options: dict[str, object] = {
        "application_name": f"sagabox-{SERVICE}",
        "connect_timeout": CONNECT_S,
        # A peer that has silently gone (its machine, or the network between) is noticed in about half a minute.
        "keepalives_idle": 15,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
    }
    # do not wait long for a row that another transaction has locked: see messaging/inbox/batch.py
    if SERVICE in SERVICES:
        options["options"] = "-c lock_timeout=1s"
    config["OPTIONS"] = options
    return config


# `default` is empty on purpose: a forgotten `using=` fails immediately instead of reaching another service's tables.
DATABASES: dict[str, dict] = {"default": {}} | {
    alias: _database(alias) for alias in HOUSE.visible(SERVICE) if os.environ.get(_key(alias))
}
DATABASE_ROUTERS = ["config.router.OwnershipRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")
API_URLS = {one.name: os.environ.get(one.api_url, "") for one in HOUSE.apis}
API_URLS["control"] = os.environ.get("API_URL_CONTROL", "")
API_URLS["auditor"] = os.environ.get("API_URL_AUDITOR", "")
CONSOLE_URLS = {one.alias: os.environ.get(one.console_url, "") for one in HOUSE.journaled}
REPLICATION_URLS = {one.alias: os.environ.get(one.replication_url, "") for one in HOUSE.journaled}

INSTALLED_APPS = [
    "channels",
    "django_htmx",
    "template_partials",
    "ninja",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "config",
    "messaging",
    *HOUSE.rooms.values(),
    "audit",
    "control",
    "lab",
    "dashboard",
    "sandbox",
    "proofs",
]
MIDDLEWARE = [
    "serving.problems.ProblemMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    # The only middleware that is synchronous only, so it comes last: those before it then run one after another in its
    # thread. After it, each would need its own thread hand-over, two or three times a request.
    "config.static.StaticFiles",
    "gateway.errors.SaysWhenAway",
]
if SERVICE == "web":
    MIDDLEWARE.insert(-2, "gateway.people.visitor.Visitors")
if SERVICE == "web":  # pages of a thousand seats; Django pads them against guessing secrets from the length (BREACH)
    MIDDLEWARE.insert(0, "django.middleware.gzip.GZipMiddleware")
if SERVICE not in APIS:
    MIDDLEWARE.insert(MIDDLEWARE.index("serving.problems.ProblemMiddleware") + 1, "gateway.doors.Doors")
CSRF_FAILURE_VIEW = "gateway.errors.forged"
if SERVICE in SERVICES:  # a service's API has no pages, cookies or scripts to protect, and is a hot path
    MIDDLEWARE = ["serving.problems.ProblemMiddleware", "serving.api_faults.ApiFaults"]
elif SERVICE in APIS:
    MIDDLEWARE = ["serving.problems.ProblemMiddleware"]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
APPEND_SLASH = False
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024  # a booking is a few hundred bytes

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": ["django.template.context_processors.request", "dashboard.live.context.standing"],
            "builtins": ["template_partials.templatetags.partials"],
        },
    }
]
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Where hashed and compressed files are collected (sandbox/runtime.py, Dockerfile); without it the source files are
# served.
STATIC_ROOT = os.environ.get("STATIC_ROOT") or BASE_DIR / "staticfiles"
STATIC_BACKEND = "config.static.HashedStatic" if os.environ.get("STATIC_ROOT") else ""
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": STATIC_BACKEND or "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = not STATIC_BACKEND
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = ["png", "map"]
WHITENOISE_AUTOREFRESH = DEBUG

# No inline script, no eval, nothing from other origins.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
if SERVICE in APIS or os.environ.get("DOCS_CSP") == "0":
    CONTENT_SECURITY_POLICY = {}

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
SILENCED_SYSTEM_CHECKS: list[str] = []

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("LOG_LEVEL", "INFO")},
    "loggers": {"httpx": {"level": "WARNING"}},
}
