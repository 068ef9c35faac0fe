"""Customers get a credential, in a table of its own; those who are there cannot log in until they are given a password."""

from typing import Any

import django.db.models.deletion
from django.contrib.auth.hashers import make_password
from django.db import migrations, models


def admit_nobody(apps: Any, schema_editor: Any) -> None:
    customer, credential = apps.get_model("booking", "Customer"), apps.get_model("booking", "Credential")
    ids = customer.objects.values_list("pk", flat=True).iterator(chunk_size=1000)
    credential.objects.bulk_create(
        (credential(customer_id=pk, password_hash=make_password(None)) for pk in ids), batch_size=1000
    )


class Migration(migrations.Migration):
    dependencies = [("booking", "0008_pending")]

    operations = [
        migrations.CreateModel(
            name="Credential",
            fields=[
                (
                    "customer",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to="booking.customer",
                    ),
                ),
                ("password_hash", models.TextField()),
            ],
        ),
        migrations.RunPython(admit_nobody, migrations.RunPython.noop),
    ]
