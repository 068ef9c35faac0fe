from django.db import migrations, models


class Migration(migrations.Migration):
    """Each row version keeps its hash: taking it off a table's sum then needs no look at the row."""

    dependencies = [("journal", "0003_moments")]
    operations = [
        migrations.AddField(
            "rowversion", "hash", models.BigIntegerField(default=0), preserve_default=False
        )
    ]
