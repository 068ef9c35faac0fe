"""Static files as they are served: under a name with their hash, so a browser may keep them for ever, and compressed."""

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
    """Style sheets and scripts go without the headers that tell what a document may do: a first visit asks for thirty of them.

    What can be opened as a document of its own, as a picture with scripts in it can, keeps them.
    """

    def serve(self, static_file: StaticFile, request: HttpRequest) -> FileResponse:
        response: Any = super().serve(static_file, request)
        if response.get("Content-Type", "").startswith(PARTS):
            response._csp_exempt = response.xframe_options_exempt = True
        return response


class HashedStatic(CompressedManifestStaticFilesStorage):
    """A script of ours that imports another one asks for it by its hashed name, too."""

    support_js_module_import_aggregation = True

    def url_converter(self, name: str, *args: Any, **options: Any) -> Callable[[Match[str]], str]:
        """Packages' files stay as they are: what looks like an import there may stand in a comment."""
        if name.startswith(OURS):
            return super().url_converter(name, *args, **options)
        return lambda match: match.group(0)
