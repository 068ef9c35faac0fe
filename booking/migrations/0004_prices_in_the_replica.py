"""Booking's copy of the performances gets the prices: what is there is read again, from the beginning of Seat's event log."""

import django.contrib.postgres.fields
from django.db import migrations, models

READ_AGAIN = """
    update booking_performancereplica set currency = '';
    update booking_replicacheckpoint set stream_id = '0-0', event_id = '', horizon = 0, owed = 9223372036854775807
    where source = 'seats';
"""


class Migration(migrations.Migration):
    dependencies = [("booking", "0003_a_key_may_concern_no_booking")]

    operations = [
        migrations.AddField(
            model_name="performancereplica",
            name="prices",
            field=django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), default=list, size=None),
        ),
        migrations.AddField(model_name="performancereplica", name="currency", field=models.TextField(default="")),
        migrations.RunSQL(READ_AGAIN, migrations.RunSQL.noop),
    ]
