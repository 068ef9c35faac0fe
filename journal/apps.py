import orjson
from django.apps import AppConfig
from psycopg.types.json import set_json_loads


class JournalConfig(AppConfig):
    name = "journal"

    def ready(self) -> None:
        # Only of columns of type json, which are the journal's entries: tens of kilobytes each.
        set_json_loads(orjson.loads)
