"""A cursor's `pending` was called `owed`."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("booking", "0007_contract_versions")]

    operations = [migrations.RenameField(model_name="replicacheckpoint", old_name="owed", new_name="pending")]
