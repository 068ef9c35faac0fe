import django.db.models.fields.json
from django.db import migrations, models


class Migration(migrations.Migration):
    """Tapes beside the live journal, and what the indexer derives: row versions, flights, hashes."""

    dependencies = [
        ('journal', '0002_changes_uncompressed'),
    ]

    operations = [
        migrations.CreateModel(
            name='Flight',
            fields=[
                ('pk', models.CompositePrimaryKey('tape', 'from_pos', 'id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('tape', models.SmallIntegerField()),
                ('id', models.UUIDField()),
                ('kind', models.TextField()),
                ('type', models.TextField()),
                ('source', models.TextField()),
                ('target', models.TextField()),
                ('correlation', models.TextField(default='')),
                ('from_pos', models.BigIntegerField()),
                ('to_pos', models.BigIntegerField(null=True)),
                ('octave', models.SmallIntegerField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Indexed',
            fields=[
                ('tape', models.SmallIntegerField(primary_key=True, serialize=False)),
                ('pos', models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='RowVersion',
            fields=[
                ('pk', models.CompositePrimaryKey('tape', 'from_pos', 'table', 'key', blank=True, editable=False, primary_key=True, serialize=False)),
                ('tape', models.SmallIntegerField()),
                ('table', models.SmallIntegerField()),
                ('key', models.TextField()),
                ('from_pos', models.BigIntegerField()),
                ('to_pos', models.BigIntegerField(null=True)),
                ('octave', models.SmallIntegerField(null=True)),
                ('correlation', models.TextField(null=True)),
                ('row', models.JSONField()),
            ],
        ),
        migrations.CreateModel(
            name='Run',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('tape', models.SmallIntegerField(default=0)),
                ('name', models.TextField()),
                ('seed', models.TextField(default='')),
                ('faults', models.JSONField(default=list)),
                ('tables', models.JSONField(default=dict)),
                ('started_pos', models.BigIntegerField()),
                ('ended_pos', models.BigIntegerField(null=True)),
                ('started_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('imported', models.BooleanField(default=False)),
                ('checksum', models.TextField(default='')),
            ],
        ),
        migrations.CreateModel(
            name='Table',
            fields=[
                ('id', models.SmallAutoField(primary_key=True, serialize=False)),
                ('service', models.TextField()),
                ('name', models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name='TableHash',
            fields=[
                ('pk', models.CompositePrimaryKey('tape', 'table', 'pos', blank=True, editable=False, primary_key=True, serialize=False)),
                ('tape', models.SmallIntegerField()),
                ('table', models.SmallIntegerField()),
                ('pos', models.BigIntegerField()),
                ('rows', models.BigIntegerField()),
                ('hash', models.BigIntegerField()),
            ],
        ),
        migrations.AddField(
            model_name='entry',
            name='tape',
            field=models.SmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='mention',
            name='tape',
            field=models.SmallIntegerField(db_default=0, default=0),
        ),
        migrations.SeparateDatabaseAndState(
            [
                migrations.RunSQL(
                    """
                    alter table journal_entry drop constraint journal_entry_pkey, add primary key (tape, pos);
                    alter table journal_mention drop constraint journal_mention_pkey, add primary key (tape, correlation, pos)
                    """,
                    """
                    alter table journal_entry drop constraint journal_entry_pkey, add primary key (pos);
                    alter table journal_mention drop constraint journal_mention_pkey, add primary key (correlation, pos)
                    """,
                )
            ],
            [
                migrations.AlterField(
                    model_name='entry',
                    name='pos',
                    field=models.BigIntegerField(),
                ),
                migrations.AddField(
                    model_name='entry',
                    name='pk',
                    field=models.CompositePrimaryKey('tape', 'pos', blank=True, editable=False, primary_key=True, serialize=False),
                ),
                migrations.AlterField(
                    model_name='mention',
                    name='pk',
                    field=models.CompositePrimaryKey('tape', 'correlation', 'pos', blank=True, editable=False, primary_key=True, serialize=False),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name='entry',
            index=models.Index(models.F('tape'), models.F('committed_at'), models.F('pos'), name='journal_entry_time'),
        ),
        migrations.AddIndex(
            model_name='entry',
            index=models.Index(models.F('tape'), models.F('service'), models.F('pos'), name='journal_entry_service'),
        ),
        migrations.AddIndex(
            model_name='entry',
            index=models.Index(models.F('tape'), django.db.models.fields.json.KeyTextTransform('kind', 'data'), models.F('pos'), condition=models.Q(('kind', 'observation')), name='journal_entry_observed'),
        ),
        migrations.AddIndex(
            model_name='flight',
            index=models.Index(models.F('tape'), models.F('id'), condition=models.Q(('octave__isnull', True)), name='journal_flight_open'),
        ),
        migrations.AddIndex(
            model_name='flight',
            index=models.Index(models.F('tape'), models.F('from_pos'), condition=models.Q(('octave__isnull', True)), name='journal_flight_current'),
        ),
        migrations.AddIndex(
            model_name='flight',
            index=models.Index(models.F('tape'), models.F('octave'), models.F('from_pos'), condition=models.Q(('octave__isnull', False)), name='journal_flight_was'),
        ),
        migrations.AddIndex(
            model_name='rowversion',
            index=models.Index(models.F('tape'), models.F('table'), models.F('from_pos'), condition=models.Q(('octave__isnull', True)), name='journal_version_current'),
        ),
        migrations.AddIndex(
            model_name='rowversion',
            index=models.Index(models.F('tape'), models.F('table'), models.F('octave'), models.F('from_pos'), condition=models.Q(('octave__isnull', False)), name='journal_version_was'),
        ),
        migrations.AddIndex(
            model_name='rowversion',
            index=models.Index(models.F('tape'), models.F('correlation'), models.F('from_pos'), condition=models.Q(('correlation__isnull', False)), name='journal_version_booking'),
        ),
        migrations.AddConstraint(
            model_name='rowversion',
            constraint=models.UniqueConstraint(condition=models.Q(('octave__isnull', True)), fields=('tape', 'table', 'key'), name='journal_version_one'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(models.F('tape'), models.F('started_pos'), name='journal_run_start'),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_pos__isnull', True)), fields=('tape',), name='journal_run_one_open'),
        ),
        migrations.AddConstraint(
            model_name='table',
            constraint=models.UniqueConstraint(fields=('service', 'name'), name='journal_table_name'),
        ),
    ]
