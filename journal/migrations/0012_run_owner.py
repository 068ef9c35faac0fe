from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("journal", "0011_less_upkeep")]
    operations = [migrations.AddField(model_name="run", name="owner", field=models.TextField(null=True))]
