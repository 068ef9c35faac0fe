"""The events that a projector left out, and the one thing that the web's role may do about them: settle a letter.

Otherwise that role may only SELECT here. The function's owner writes; the decision itself is checked in it.
"""

import django.db.models.functions.datetime
from django.db import migrations, models

SETTLE = """
create function projections_settle_letter(letter uuid, decision text, hand text, edited jsonb)
    returns setof projections_deadletter language sql security definer set search_path = pg_catalog, public as $$
    update public.projections_deadletter set state = decision, reason = hand, updated_at = clock_timestamp(),
        envelope = case when edited is null then envelope else jsonb_set(envelope, '{data}', edited) end
    where id = letter and state in ('retrying', 'dead', 'retried') and decision in ('retried', 'discarded')
    returning *
$$;
revoke execute on function projections_settle_letter from public;
do $$ begin
    if exists (select from pg_roles where rolname = 'web') then
        grant execute on function projections_settle_letter to web;
    end if;
end $$;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('projections', '0003_who_placed_it'),
    ]

    operations = [
        migrations.CreateModel(
            name='DeadLetter',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('type', models.TextField()),
                ('booking_id', models.TextField(default='')),
                ('envelope', models.JSONField()),
                ('attempts', models.JSONField(default=list)),
                ('state', models.TextField(default='retrying')),
                ('reason', models.TextField(default='')),
                ('updated_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'abstract': False,
                'indexes': [models.Index(models.F('updated_at'), condition=models.Q(('state__in', ['retrying', 'dead', 'retried'])), name='projections_open_letters')],
            },
        ),
        migrations.RunSQL(SETTLE, "drop function projections_settle_letter"),
    ]
