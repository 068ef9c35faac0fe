from django.db import migrations

UNASKED = {"journal_entry": ("changes", "causes", "cause_pos", "emits"), "journal_rowversion": ("row",)}
"""Columns that are only read whole: no query looks for a value in them, so what values there are is nothing to plan by."""


def _statistics(target: str) -> str:
    return "; ".join(
        f"alter table {table} alter column {column} set statistics {target}"
        for table, columns in UNASKED.items()
        for column in columns
    )


class Migration(migrations.Migration):
    """What comes in by the thousand is looked through by autovacuum every minute: at the cost of who waits for a processor.

    Entries are never changed: once all are visible to all, nothing is gained by going through their values again.
    """

    dependencies = [("journal", "0010_changes_as_text")]
    operations = [
        migrations.RunSQL(_statistics("0"), _statistics("default")),
        migrations.RunSQL(
            "alter table journal_entry set (toast.autovacuum_vacuum_insert_threshold = -1)",
            "alter table journal_entry reset (toast.autovacuum_vacuum_insert_threshold)",
        ),
    ]
