"""Serves static files compressed, and under a name with their hash, so that a browser may keep them for ever."""

from collections.abc import Callable
from re import Match
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import FileResponse
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

OURS = tuple(f"{room.name}/" for room in (settings.BASE_DIR / "static").iterdir())
PARTS = ("text/css", "text/javascript")


class StaticFiles(WhiteNoiseMiddleware):
    """Style sheets and scripts are sent without the headers that restrict documents: a first visit requests some thirty of
    them, and in each these headers take 230 bytes. A file that can be opened as a document, such as a picture with scripts
    in it, keeps them.
    """

    def serve(self, static_file: StaticFile, request: HttpRequest) -> FileResponse:
        response: Any = super().serve(static_file, request)
        if response.get("Content-Type", "").startswith(PARTS):
            response._csp_exempt = response.xframe_options_exempt = True
        return response


class HashedStatic(CompressedManifestStaticFilesStorage):
    """A script of ours that imports another one requests it by its hashed name, too."""

    support_js_module_import_aggregation = True

    def url_converter(self, name: str, *args: Any, **options: Any) -> Callable[[Match[str]], str]:
        """Packages' files stay unchanged: what looks like an import there may be in a comment."""
        if name.startswith(OURS):
            return super().url_converter(name, *args, **options)
        return lambda match: match.group(0)
