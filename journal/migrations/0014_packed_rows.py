import django.contrib.postgres.fields
from django.db import migrations, models

import journal.models


class Migration(migrations.Migration):
    """Rows are stored as their log had them. Entries from before keep theirs in `changes`; nothing is rewritten."""

    dependencies = [("journal", "0013_current_by_position")]
    operations = [
        migrations.CreateModel(
            name="Layout",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("definition", models.JSONField()),
            ],
        ),
        migrations.AddField(model_name="entry", name="packed", field=models.BinaryField(null=True)),
        migrations.AddField(
            model_name="entry",
            name="layouts",
            field=django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), null=True, size=None),
        ),
        migrations.AlterField(model_name="entry", name="changes", field=journal.models.JSONText(null=True)),
        # They are compressed already; and no query looks for a value in them.
        migrations.RunSQL(
            "alter table journal_entry alter column packed set storage external, alter column packed set statistics 0, "
            "alter column layouts set statistics 0",
            "alter table journal_entry alter column packed set storage extended, alter column packed set statistics default, "
            "alter column layouts set statistics default",
        ),
    ]
