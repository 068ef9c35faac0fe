from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("seats", "0002_cancel_and_expiry")]

    operations = [
        migrations.RemoveIndex("hold", "seats_hold_expiry"),
        migrations.AddIndex(
            "hold",
            models.Index("expires_at", condition=models.Q(("status", "HELD")), name="seats_hold_expiry"),
        ),
    ]
