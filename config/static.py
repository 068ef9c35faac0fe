"""Static files as they are served: under a name with their hash, so a browser may keep them for ever, and compressed."""

from collections.abc import Callable
from re import Match
from typing import Any

from whitenoise.storage import CompressedManifestStaticFilesStorage

OURS = "dashboard/"


class HashedStatic(CompressedManifestStaticFilesStorage):
    """A script of ours that imports another one asks for it by its hashed name, too."""

    support_js_module_import_aggregation = True

    def url_converter(self, name: str, *args: Any, **options: Any) -> Callable[[Match[str]], str]:
        """Packages' files stay as they are: what looks like an import there may stand in a comment."""
        if name.startswith(OURS):
            return super().url_converter(name, *args, **options)
        return lambda match: match.group(0)
