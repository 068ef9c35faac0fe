"""Letters are tried again by themselves until they are dead; many are listed page by page and decided on at once."""

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections, models
from django.test import Client
from django.utils import timezone
from redis import Redis

from booking.commands import handle as handle_in_booking
from booking.models import DeadLetter as BookingLetter
from booking.models import Outbox as BookingOutbox
from dashboard.operate import letters
from messaging.database import Database
from messaging.envelope import from_row
from messaging.inbox import dead_letters
from messaging.inbox.dead_letters import LIMIT
from messaging.inbox.letter_retries import send_due
from payments.commands import handle
from payments.models import DeadLetter, Outbox, Payment
from seats.contract import HoldExpired
from serving.problems import MEDIA_TYPE
from tests.messages import command, new_id
from tests.payments.test_dead_letters import OPERATOR_ACTION, TOKEN, dead, observed, take

pytestmark = [
    pytest.mark.django_db(databases=["payments", "booking"], transaction=True),
    pytest.mark.urls("tests.payments.urls"),
    pytest.mark.usefixtures("redis"),
]
URL = "/api/payments/dead-letters"


@pytest.fixture(autouse=True)
def _settings(settings: Any) -> None:
    settings.OPERATOR_TOKEN, settings.LETTER_RETRY_S, settings.LETTER_LONGEST_RETRY_S = "of-a-test", 10, 300


def later(seconds: float, model: type[models.Model] = DeadLetter) -> None:
    """So many seconds go by, as far as letters can tell."""
    table = model._meta.db_table
    with connections[model._meta.app_label].cursor() as cursor:
        cursor.execute(f"update {table} set updated_at = updated_at - %s * interval '1 second'", [seconds])


def relayed(service: str, outbox: Any) -> list[dict[str, Any]]:
    row = outbox.objects.filter(destination=service).order_by("-seq")[0]
    return [from_row(service, vars(row))]


def test_a_letter_is_tried_again_with_growing_pauses_and_is_dead_in_the_end() -> None:
    envelope = take(amount=-1)
    handle([envelope])
    pauses: list[int] = []
    while DeadLetter.objects.get().state == "retrying":
        for pause in (5, 10, 20, 40, 80):
            assert len(pauses) < LIMIT
            later(pause)
            if send_due(Database("payments"), "payments", DeadLetter, Outbox):
                break
            later(-pause)
        pauses.append(pause)
        handle(relayed("payments", Outbox))
    assert pauses == [20, 40, 80, 80] or pauses == [10, 20, 40, 80]
    letter = DeadLetter.objects.get()
    assert (str(letter.id), letter.state, len(letter.attempts)) == (envelope["id"], "dead", LIMIT)
    later(3600)
    assert send_due(Database("payments"), "payments", DeadLetter, Outbox) == 0


def test_what_was_in_the_way_only_for_a_while_is_made_up_for_by_itself() -> None:
    envelope = take()
    dead_letters.record(Database("payments"), DeadLetter, envelope, "ValueError: a version that could not read it")
    assert send_due(Database("payments"), "payments", DeadLetter, Outbox) == 0
    later(11)
    assert send_due(Database("payments"), "payments", DeadLetter, Outbox) == 1
    assert send_due(Database("payments"), "payments", DeadLetter, Outbox) == 0  # it is on its way
    handle(relayed("payments", Outbox))
    assert (DeadLetter.objects.get().state, Payment.objects.get().status) == ("cleared", "COMPLETED")


@pytest.mark.parametrize("state", ["retrying", "retried"])
def test_a_message_that_is_lost_on_its_way_is_sent_once_more(state: str) -> None:
    dead_letters.record(Database("payments"), DeadLetter, take(), "x")
    DeadLetter.objects.update(state=state)
    for _ in range(3):
        later(11)
        assert send_due(Database("payments"), "payments", DeadLetter, Outbox) == 1


def test_a_hold_that_expired_for_an_unknown_booking_does_not_stand_for_ever() -> None:
    handle_in_booking([command(HoldExpired(booking_id=new_id()))])
    assert BookingLetter.objects.get().state == "retrying"
    for _ in range(LIMIT - 1):
        later(301, BookingLetter)
        assert send_due(Database("booking"), "booking", BookingLetter, BookingOutbox) == 1
        handle_in_booking(relayed("booking", BookingOutbox))
    assert BookingLetter.objects.get().state == "dead"


@pytest.mark.parametrize("wrong", [{"kind": "event"}, {"sagaid": "seven"}, {"causationid": 7}, {"data": None}])
def test_what_no_queue_could_take_is_dead_and_holds_up_no_other(wrong: dict[str, Any]) -> None:
    bad, good = {**take(), **wrong}, take()
    for one in (bad, good):
        dead_letters.record(Database("payments"), DeadLetter, one, "x")
    later(11)
    assert send_due(Database("payments"), "payments", DeadLetter, Outbox) == 1
    assert {str(one.id): one.state for one in DeadLetter.objects.all()} == {bad["id"]: "dead", good["id"]: "retrying"}
    assert "cannot be sent again" in DeadLetter.objects.get(id=bad["id"]).attempts[-1]["error"]


@pytest.mark.parametrize("batch", ["notalist", {"a": 1, "b": 2}, 7, None, True])
def test_a_batch_that_is_no_list_is_one_bad_message(batch: Any) -> None:
    handle(batch)
    (letter,) = DeadLetter.objects.all()
    assert letter.state == "dead"


# Many


def fill(number: int, state: str = "dead") -> list[str]:
    """So many letters, the first the newest."""
    now = timezone.now()
    envelopes = [take() for _ in range(number)]
    DeadLetter.objects.bulk_create(
        DeadLetter(
            id=one["id"], type="TakePayment", booking_id=one["correlationid"], envelope=one, state=state,
            attempts=[{"at": now.isoformat(), "error": "x"}], updated_at=now - timedelta(seconds=place // 3),
        )
        for place, one in enumerate(envelopes)
    )  # fmt: skip
    return [one["id"] for one in envelopes]


def settle(client: Client, verb: str, **more: Any) -> Any:
    return client.post(
        f"{URL}/{verb}", json.dumps({**OPERATOR_ACTION, **more}), content_type="application/json", headers=TOKEN
    )


def test_every_letter_is_reached_page_by_page(client: Client) -> None:
    ids = fill(271)
    url, seen, sizes = f"{URL}?limit=100", [], []
    while url:
        answer = client.get(url, headers=TOKEN)
        assert (answer.status_code, answer["X-Total-Count"]) == (200, "271")
        seen += [one["id"] for one in answer.json()]
        sizes.append(len(answer.json()))
        link = answer.get("Link", "")
        url = link.partition(">")[0].removeprefix("<")
    assert sizes == [100, 100, 71]
    assert sorted(seen) == sorted(ids)
    assert len(client.get(URL, headers=TOKEN).json()) == 200


BAD_PAGES = [
    "after=x", "after=2030-01-01,7", f"after=2030-01-01T00:00:00,{uuid.uuid4()}", "limit=0", "limit=201", "state=lost",
    "type=%00",
]  # fmt: skip


@pytest.mark.parametrize("query", BAD_PAGES)
def test_a_bad_page_is_refused(client: Client, query: str) -> None:
    answer = client.get(f"{URL}?{query}", headers=TOKEN)
    assert answer.status_code in (400, 422)  # NUL is refused at the door, whatever it is meant for
    assert answer["Content-Type"] == MEDIA_TYPE


def test_they_are_filtered(client: Client) -> None:
    fill(3)
    (mine,) = fill(1, "retrying")
    booking = DeadLetter.objects.get(id=mine).booking_id
    for query in ("state=retrying", f"booking_id={booking}", f"booking_id={booking}&type=TakePayment"):
        answer = client.get(f"{URL}?{query}", headers=TOKEN)
        assert ([one["id"] for one in answer.json()], answer["X-Total-Count"]) == ([mine], "1")
    assert client.get(f"{URL}?type=EatSeats", headers=TOKEN)["X-Total-Count"] == "0"


def test_all_are_given_up_at_once_but_for_what_came_later(client: Client, redis: Redis) -> None:
    fill(271)
    until = client.get(URL, headers=TOKEN).json()[0]["updated_at"]
    late = dead(take())
    answer = settle(client, "discard", which={}, until=until)
    assert (answer.status_code, answer.json()) == (200, {"done": 271, "refused": [], "left": 0, "next": ""})
    assert list(DeadLetter.objects.exclude(state="discarded")) == [late]
    assert DeadLetter.objects.filter(state="discarded").latest("id").reason.count("customer called") == 1
    (told,) = observed(redis)
    assert (told["data"]["who"], told["data"]["letters"]) == ("Ines", 271)


def test_the_selected_are_sent_again_and_what_would_fail_is_said(client: Client) -> None:
    chosen, other = fill(3), fill(2)
    bad = dead(take(amount=-1))
    found = settle(client, "retry", ids=[*chosen, str(bad.id), new_id()]).json()
    assert (found["done"], found["left"]) == (3, 0)
    assert [one["id"] for one in found["refused"]] == [str(bad.id)]
    assert "amount" in found["refused"][0]["detail"]
    assert sorted(str(row.id) for row in Outbox.objects.filter(kind="command")) == sorted(chosen)
    assert set(DeadLetter.objects.filter(id__in=other).values_list("state", flat=True)) == {"dead"}
    assert settle(client, "retry", which={}).json()["done"] == 2  # not those that are on their way


def test_more_than_a_thousand_are_done_a_thousand_at_a_time(client: Client) -> None:
    fill(1100)
    first = settle(client, "retry", which={"state": "dead"}).json()
    assert (first["done"], first["refused"], first["left"]) == (1000, [], 100)
    second = settle(client, "retry", which={"state": "dead"}, after=first["next"]).json()
    assert second == {"done": 100, "refused": [], "left": 0, "next": ""}


def broken(number: int) -> None:
    """The newest so many letters would only fail again."""
    newest = list(DeadLetter.objects.order_by("-updated_at", "-id").values_list("pk", flat=True)[:number])
    for letter in DeadLetter.objects.filter(pk__in=newest):
        letter.envelope["data"]["amount"] = -1
        letter.save(update_fields=["envelope"])


@pytest.mark.parametrize("number", [1000, 1001])
def test_older_letters_are_reached_behind_a_thousand_that_would_fail_again(client: Client, number: int) -> None:
    fill(number + 7)
    broken(number)
    until, after = client.get(URL, headers=TOKEN).json()[0]["updated_at"], ""
    done: list[int] = []
    while after or not done:
        answer = settle(client, "retry", which={}, until=until, after=after).json()
        done.append(answer["done"])
        after = answer["next"]
    assert done == [0, 7]
    assert DeadLetter.objects.filter(state="retried").count() == Outbox.objects.filter(kind="command").count() == 7
    assert DeadLetter.objects.filter(state="dead").count() == number


def test_the_page_reaches_them_too(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decided on by the function behind the operator's button, which asks this very API."""
    fill(1007)
    broken(1000)

    def ask(method: str, service: str, path: str, **more: Any) -> Any:
        return client.post(path, json.dumps(more["json"]), content_type="application/json", headers=TOKEN)

    monkeypatch.setattr(letters, "ask", ask)
    until = client.get(URL, headers=TOKEN).json()[0]["updated_at"]
    title, text = letters.settle("payments", "retry", dict(OPERATOR_ACTION), [], until)
    assert text.startswith("7 messages are sent again.")
    assert DeadLetter.objects.filter(state="retried").count() == 7
    assert title == "1000 would fail again"


BAD = [
    {}, {"ids": []}, {"ids": [7]}, {"ids": [str(uuid.uuid4())], "which": {}}, {"which": {"color": "red"}},
    {"which": {}, "until": "yesterday"}, {"which": {}, "after": "x"}, {"which": {}, "who": ""},
]  # fmt: skip


@pytest.mark.parametrize("body", BAD)
def test_a_bad_decision_on_many_settles_nothing(client: Client, body: dict[str, Any]) -> None:
    fill(2)
    assert settle(client, "discard", **body).status_code == 422
    assert client.post(f"{URL}/burn", "{}", content_type="application/json", headers=TOKEN).status_code in (404, 422)
    assert client.post(f"{URL}/discard", "{}", content_type="application/json").status_code == 401
    assert DeadLetter.objects.filter(state="dead").count() == 2
