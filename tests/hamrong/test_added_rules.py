"""Rules of others: copied as they are, with where from, which version and under which licence."""

from __future__ import annotations

import json
import subprocess
from datetime import date
from pathlib import Path

import pytest

from hamrong import added_rules, cli, config
from hamrong.errors import HamrongError

RULE = """title: {0}
id: {0}
author: A stranger
logsource: {{product: linux, service: sshd}}
detection: {{s: {{user.name: {0}}}, condition: s}}
"""
MIT = "MIT License\n\nPermission is hereby granted to whoever asks.\n"


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout/rules"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.yml").write_text(RULE.format("a"))
    (folder / "deep/b.yml").write_text(RULE.format("b"))
    (folder / "c.yml").write_text(RULE.format("c").replace("user.name: c", "user.name|expand: '%people%'"))
    (folder / "d.yml").write_text(RULE.format("d").replace("condition: s", "condition: t"))
    (folder / "notes.md").write_text("not a rule")
    (folder.parent / "LICENSE").write_text(MIT)
    return folder


def add(theirs: Path, folder: Path, **changed: object) -> added_rules.Added:
    given = {"name": "their", "beside": [], "lists": [], "today": date(2026, 11, 24), **changed}
    return added_rules.add(theirs, folder=folder, **given)  # type: ignore[arg-type]


def git(folder: Path, *args: str) -> None:
    person = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *person, *args], check=True, capture_output=True)


def test_what_can_be_loaded_is_copied_and_the_rest_is_named(theirs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "site/added"
    added = add(theirs, folder)
    assert (added.rules, added.licence, added.added) == (2, "MIT", "2026-11-24")
    assert (added.commit, added.origin, added.version) == ("", "", "")
    assert [path for path, _ in added.left_out] == ["c.yml", "d.yml"]
    assert "expands %people%" in added.left_out[0][1]
    assert (folder / "their/deep/b.yml").read_text() == RULE.format("b")
    assert (folder / "their/LICENSE").read_text() == MIT
    copied = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert copied == {"their/a.yml", "their/deep/b.yml", "their/LICENSE", "rules.lock.json"}
    assert added_rules.read(folder) == [added]
    assert not [file for file in folder.parent.iterdir() if file.name.startswith(".")]


def test_added_anew_it_takes_the_place_of_the_old(theirs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "added"
    before = add(theirs, folder)
    (tmp_path / "another").mkdir()
    (tmp_path / "another/z.yml").write_text(RULE.format("z"))
    other = add(tmp_path / "another", folder, name="other")
    (theirs / "a.yml").unlink()
    (theirs / "lists").mkdir()
    (theirs / "lists/people.txt").write_text("an")
    after = add(theirs, folder)
    assert (before.rules, after.rules) == (2, 2)
    assert [path for path, _ in after.left_out] == ["d.yml"]
    assert before.content != after.content
    assert sorted(file.name for file in (folder / "their").iterdir()) == ["LICENSE", "c.yml", "deep", "lists"]
    assert added_rules.read(folder) == [other, after]


def test_a_rule_that_is_loaded_already_stays_out(theirs: Path, tmp_path: Path) -> None:
    ours = tmp_path / "0-ours"
    ours.mkdir()
    (ours / "a.yml").write_text(RULE.format("a"))
    added = add(theirs, tmp_path / "added", beside=[ours])
    assert added.rules == 1
    assert "has the id a, as another rule has" in dict(added.left_out)["a.yml"]


def test_a_checkout_says_its_version(theirs: Path, tmp_path: Path) -> None:
    git(theirs.parent, "init", "-q")
    git(theirs.parent, "add", ".")
    git(theirs.parent, "commit", "-qm", "x")
    git(theirs.parent, "tag", "r2026-11-01")
    git(theirs.parent, "remote", "add", "origin", "https://me:secret@git.example.org/rules.git")
    added = add(theirs, tmp_path / "added")
    assert len(added.commit) == 40
    assert (added.version, added.origin) == ("r2026-11-01", "https://git.example.org/rules.git")
    (theirs / "a.yml").write_text(RULE.format("e"))
    assert add(theirs, tmp_path / "added").version == "r2026-11-01-dirty"


@pytest.mark.parametrize(
    ("files", "rule", "licence"),
    [
        ({"LICENSE.md": "# Detection Rule License (DRL) 1.1"}, "", "DRL-1.1"),
        ({"COPYING": "GNU AFFERO GENERAL PUBLIC LICENSE\nVersion 3"}, "", "AGPL"),
        ({"LICENCE": "Ask first."}, "", "see LICENCE"),
        ({}, "license: MIT", "MIT"),
        ({"LICENSE": MIT}, "license: CC0-1.0", "CC0-1.0, MIT"),
        ({}, "", ""),
    ],
)
def test_licences(files: dict[str, str], rule: str, licence: str, tmp_path: Path) -> None:
    theirs = tmp_path / "deep/er/rules"
    theirs.mkdir(parents=True)
    (theirs / "a.yml").write_text(RULE.format("a") + rule)
    for name, text in files.items():
        (theirs / name).write_text(text)
    assert add(theirs, tmp_path / "added").licence == licence


def test_bad_use_is_said(theirs: Path, tmp_path: Path) -> None:
    for changed, what in (
        ({"name": "../x"}, "no set can be called"),
        ({"name": ""}, "no set can be called"),
        ({"theirs": tmp_path / "none"}, "is no folder"),
        ({"theirs": tmp_path / "checkout/empty"}, "holds no rule that can be loaded"),
    ):
        (tmp_path / "checkout/empty").mkdir(exist_ok=True)
        with pytest.raises(HamrongError, match=what):
            add(changed.pop("theirs", theirs), tmp_path / "added", **changed)  # type: ignore[arg-type]
    assert not (tmp_path / "added").exists()
    (tmp_path / "added").mkdir()
    (tmp_path / "added" / added_rules.LOCK).write_text('{"sets": [{"name": "x"}]}')
    with pytest.raises(HamrongError, match=r"rules\.lock\.json is broken"):
        added_rules.read(tmp_path / "added")


def test_the_commands_add_list_and_load_them(
    theirs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = tmp_path / "ours"
    ours.mkdir()
    (ours / "o.yml").write_text(RULE.format("o"))
    monkeypatch.setenv("HAMRONG_DETECTION_RULES", str(ours))
    monkeypatch.chdir(tmp_path)
    assert config.load().detection.rules == (ours,)
    assert cli.main(["rules", "add", str(theirs), "--as", "their"]) == 0
    out = capsys.readouterr().out
    assert f"2 rules of {theirs} are now in {tmp_path}/.hamrong/rules/their" in out
    assert "licence: MIT" in out
    assert "left out: c.yml: expands %people%" in out
    assert config.load().detection.rules == (ours, tmp_path / ".hamrong/rules")
    assert cli.main(["rules", "list"]) == 0
    out = capsys.readouterr().out
    assert f"{ours}: 1 rules, version" in out
    assert "/their: 2 rules, version" in out
    assert cli.main(["rules", "list", "--json"]) == 0
    written = json.loads(capsys.readouterr().out)
    assert [len(written[key]) for key in ("own", "added")] == [1, 1]
    assert cli.main(["rules", "check", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rules"] == 3
    assert cli.main(["rules", "add", str(theirs), "--as", "Their"]) == 2
