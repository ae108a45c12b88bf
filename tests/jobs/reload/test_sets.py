"""Published sets: whole or not at all, few, and in a format that is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from detectors.sigma.rule_files import Written
from hamrong.errors import ServiceError
from jobs.reload.sets import KEPT, Live, Refusal, RuleSets


@pytest.fixture(params=["{}", "file://{}"])
def sets(request: pytest.FixtureRequest, tmp_path: Path) -> RuleSets:
    return RuleSets(request.param.format(tmp_path / "sets"))


def live(version: str) -> Live:
    return Live(version, "2026-11-24T00:00:00.000+00:00", 2, 1, ["a.yml:1: left out"])


def test_what_is_published_is_read_again(sets: RuleSets) -> None:
    assert sets.live() is None
    sets.publish(Written([{"kind": "rule"}], "a1"), live("a1"))
    assert sets.live() == live("a1")
    assert sets.written("a1") == Written([{"kind": "rule"}], "a1")


def test_old_sets_are_deleted_and_the_live_one_never_is(sets: RuleSets, tmp_path: Path) -> None:
    for number in range(KEPT + 3):
        sets.publish(Written([], f"v{number}"), live(f"v{number}"))
    names = {path.name for path in (tmp_path / "sets").iterdir()}
    assert names == {"live.json", *(f"set-v{number}.json" for number in range(3, KEPT + 3))}


def test_a_refusal_stays_until_there_is_none(sets: RuleSets) -> None:
    assert sets.refusal() is None
    refusal = Refusal("2026-11-24T00:00:00.000+00:00", ["a.yml:1: is empty"])
    sets.refuse(refusal)
    assert sets.refusal() == refusal
    sets.refuse(None)
    sets.refuse(None)
    assert sets.refusal() is None


def test_a_set_that_is_gone_or_cannot_be_read_is_named(sets: RuleSets, tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match=r"set-a1\.json is not there"):
        sets.written("a1")
    sets.publish(Written([], "a1"), live("a1"))
    for content in (b"", b"{", b"[]", b'{"format": 0}', b'{"format": 1}'):
        (tmp_path / "sets/set-a1.json").write_bytes(content)
        with pytest.raises(ServiceError, match=r"set-a1\.json is no set of rules of the format 1"):
            sets.written("a1")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": "a"}'])
def test_what_a_crash_has_spoilt_is_as_if_it_were_not_there(sets: RuleSets, tmp_path: Path, content: bytes) -> None:
    sets.publish(Written([], "a1"), live("a1"))
    sets.refuse(Refusal("", []))
    for name in ("live.json", "refused.json"):
        (tmp_path / "sets" / name).write_bytes(content)
    assert (sets.live(), sets.refusal()) == (None, None)
    sets.refuse(None)
    assert not (tmp_path / "sets/refused.json").exists()
