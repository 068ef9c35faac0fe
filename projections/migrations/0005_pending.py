"""A cursor's `pending` was called `owed`."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("projections", "0004_skipped_events")]

    operations = [migrations.RenameField(model_name="checkpoint", old_name="owed", new_name="pending")]
