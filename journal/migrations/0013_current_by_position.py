from django.db import migrations, models


class Migration(migrations.Migration):
    """In a new house current versions were looked up by their keys in the index of their positions: 24 ms a booking."""

    dependencies = [("journal", "0012_run_owner")]
    operations = [
        migrations.RemoveIndex(model_name="rowversion", name="journal_version_current"),
        migrations.AddIndex(
            model_name="rowversion",
            index=models.Index(
                models.F("tape"), models.F("table"), models.F("from_pos"),
                condition=models.Q(("to_pos__isnull", True)), name="journal_version_current",
            ),
        ),
    ]  # fmt: skip
