from django.db import migrations

from journal.models import JSONText


class Migration(migrations.Migration):
    """As jsonb each entry was taken apart when it was stored and put together when it was read; nobody asks for a part of it."""

    dependencies = [("journal", "0009_observed")]
    operations = [
        migrations.AlterField("entry", "changes", JSONText()),
        # A new type begins with that type's own storage.
        migrations.RunSQL(
            "alter table journal_entry alter column changes set storage external", migrations.RunSQL.noop
        ),
    ]
