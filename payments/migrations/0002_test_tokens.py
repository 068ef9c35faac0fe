"""The test tokens, as payment providers document them: each says how the card behaves."""

from django.db import migrations

TOKENS = [
    ("tok_visa", "card", ""),
    ("tok_declined", "card", "card_declined"),
    ("tok_insufficient_funds", "card", "insufficient_funds"),
]


def add(apps, schema_editor):
    method = apps.get_model("payments", "PaymentMethod")
    rows = [method(token=token, kind=kind, declines_with=reason) for token, kind, reason in TOKENS]
    method.objects.using(schema_editor.connection.alias).bulk_create(rows)


class Migration(migrations.Migration):
    dependencies = [("payments", "0001_initial")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
