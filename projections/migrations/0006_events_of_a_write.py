"""A row names all events that its last write applied, not only the last of them."""

from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models

VIEWS = (
    "bookingview",
    "customer",
    "historybooking",
    "historycustomer",
    "performance",
    "salesbooking",
    "salesperformance",
    "salesseat",
    "seatmap",
)
LISTED = "alter table projections_{} alter column caused_by type uuid[] using array_remove(array[caused_by], null)"


class Migration(migrations.Migration):
    dependencies = [("projections", "0005_pending")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(LISTED.format(name))],
            state_operations=[
                migrations.AlterField(
                    model_name=name,
                    name="caused_by",
                    field=ArrayField(base_field=models.UUIDField(), null=True, size=None),
                )
            ],
        )
        for name in VIEWS
    ]
