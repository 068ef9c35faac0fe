from django.db import migrations


class Migration(migrations.Migration):
    """Compressing each entry cost more processor time than writing it: the recorder shares two cores with those it records."""

    dependencies = [("journal", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "alter table journal_entry alter column changes set storage external",
            "alter table journal_entry alter column changes set storage extended",
        )
    ]
