"""What the nemesis plans, and what it tells: the same seed plans the same, every kind of process has its turn."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from proofs.nemesis import schedule as plans
from proofs.nemesis.buyers import RIVALS, Market, wanted
from proofs.nemesis.check import check
from proofs.nemesis.report import summary, write_report
from proofs.nemesis.schedule import schedule, weather
from tests.proofs.test_checker import SECOND, Tale
from topology.processes import PROCESSES


def test_the_same_seed_plans_the_same() -> None:
    assert schedule(7, 50) == schedule(7, 50) != schedule(8, 50)
    assert weather(7) == weather(7) != weather(8)


def test_every_kind_of_strike_and_every_process_has_its_turn() -> None:
    plan = schedule(7, 50)
    assert {strike.what for strike in plan} == {
        plans.KILL, plans.RESTART, plans.REDIS, plans.STOP, plans.ZOMBIE, plans.CLOCK,
        plans.READ_ONLY, plans.FREEZE, plans.LOCK, plans.SWALLOW, plans.SLOT,
    }  # fmt: skip
    slots = {one.on.partition("-")[0] for seed in (7, 8) for one in schedule(seed, 50) if one.what == plans.SLOT}
    assert slots == set(plans.SLOTS)
    killed = {strike.on for strike in plan if strike.what == plans.KILL}
    assert killed == {process.name for process in PROCESSES if process.name != "redis"}  # Redis loses its files instead
    assert [strike.when for strike in plan] == sorted(strike.when for strike in plan)


def test_rivals_want_the_same_seats_at_the_same_moment() -> None:
    market = Market(run="a", seed=7, performance="p", seats=[f"A-{n}" for n in range(500)], bookings=1000)
    wishes = [wanted(market, number) for number in range(market.bookings)]
    assert wishes == [wanted(market, number) for number in range(market.bookings)]
    rivals = sum(one == other for one, other in pairwise(wishes))
    assert RIVALS * 0.8 < rivals / market.bookings < RIVALS * 1.2
    assert {len(one) for one in wishes} == {1, 2}


def save(tale: Tale, path: Path) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in tale.entries()))
    return path


def test_a_kept_history_is_checked_offline(tmp_path: Path) -> None:
    tale = Tale()
    call_command("nemesis", check=str(save(tale, tmp_path / "good.jsonl")))
    tale.drop("booking", SECOND)
    with pytest.raises(SystemExit, match="1"):
        call_command("nemesis", check=str(save(tale, tmp_path / "bad.jsonl")))
    (tmp_path / "none.jsonl").write_text("{}")
    with pytest.raises(CommandError, match="no known kind"):
        call_command("nemesis", check=str(tmp_path / "none.jsonl"))


def test_the_report_says_what_happened(tmp_path: Path) -> None:
    tale = Tale()
    tale.lines.append({"at": 2, "kind": "fault", "what": "kill", "on": "worker-seats"})
    entries = tale.entries()
    told = summary(entries)
    assert (told["accepted"], told["lost"], told["ended"]) == (3, 0, {"CANCELLED": 2, "CONFIRMED": 1})
    write_report(tmp_path / "report.html", entries, check(entries))
    text = (tmp_path / "report.html").read_text()
    assert "Nothing violated" in text
    assert "2 s: kill worker-seats" in text
    tale.drop("booking", SECOND)
    write_report(tmp_path / "report.html", tale.entries(), check(tale.entries()))
    assert "accepted, and gone" in (tmp_path / "report.html").read_text()
