import django.db.models.fields.json
from django.db import migrations, models


class Migration(migrations.Migration):
    """The marks of a tape of a million entries read 20,000 rows of the widest table, for one word of each."""

    dependencies = [
        ('journal', '0008_flights_of_a_booking'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='entry',
            name='journal_entry_observed',
        ),
        migrations.AddField(
            model_name='entry',
            name='observed',
            field=models.GeneratedField(db_persist=True, expression=django.db.models.fields.json.KeyTextTransform('kind', 'data'), output_field=models.TextField(null=True)),
        ),
        migrations.AddIndex(
            model_name='entry',
            index=models.Index(models.F('tape'), models.F('observed'), models.F('pos'), condition=models.Q(('observed__isnull', False)), name='journal_entry_observed'),
        ),
    ]
