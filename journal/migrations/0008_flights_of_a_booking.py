from django.db import migrations, models


class Migration(migrations.Migration):
    """One booking's messages in flight took 340 ms on a tape of a million entries: they were looked for among everybody's."""

    dependencies = [("journal", "0007_mention_pos")]
    operations = [
        migrations.AddIndex(
            model_name="flight",
            index=models.Index(
                models.F("tape"), models.F("correlation"), models.F("from_pos"), name="journal_flight_of"
            ),
        ),
    ]
