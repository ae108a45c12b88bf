"""Rules from a Git repository and from a store: brought whole, and kept while the source is away."""

from __future__ import annotations

import os
import subprocess
from datetime import date
from pathlib import Path

import pytest

from hamrong import cli, rule_set
from hamrong.config import Config
from hamrong.errors import HamrongError, ServiceError
from jobs import loaded
from jobs.backtest.chosen import choose
from jobs.reload.mirrors import KEPT, current, mirror
from jobs.reload.watch import Reloader
from tests.jobs.reload.rules import detection, words, write


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loaded, "LOOK_SECONDS", 0.0)


def git(*arguments: str | Path) -> None:
    who = ("-c", "user.name=An", "-c", "user.email=an@example.org", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *who, *map(str, arguments)], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with the rule `one` in the folder `rules`."""
    folder = tmp_path / "repository"
    write(folder / "rules", "one")
    (folder / "rules" / "lists").mkdir()
    (folder / "rules" / "lists" / "admins.txt").write_text("an\n")
    (folder / "rules" / "one.cases.jsonl").write_text("{}\n")
    (folder / "rules" / "link.yml").symlink_to("/etc/passwd")
    git("init", "--quiet", folder)
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    git("-C", folder, "add", "--all")
    git("-C", folder, "commit", "--quiet", "--message", "rules")


def inside(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_folder_of_a_commit_is_brought_without_links_and_other_files(repository: Path, tmp_path: Path) -> None:
    source = mirror(f"git+file://{repository}@main#rules", tmp_path / "cache")
    assert source.last() is None
    folder = source.bring()
    assert inside(folder) == ["lists/admins.txt", "one.yml"]
    assert (folder / "one.yml").read_text() == (repository / "rules/one.yml").read_text()
    assert source.bring() == source.last() == folder


def test_a_branch_a_tag_and_no_ref_name_what_they_name_in_git(repository: Path, tmp_path: Path) -> None:
    git("-C", repository, "tag", "v1")
    git("-C", repository, "checkout", "--quiet", "-b", "trial/a")
    write(repository / "rules", "two")
    commit(repository)
    git("-C", repository, "checkout", "--quiet", "main")
    names = {
        ref: (mirror(f"git+file://{repository}{ref}#rules", tmp_path / "cache").bring() / "two.yml").exists()
        for ref in ("", "@main", "@v1", "@trial/a")
    }
    assert names == {"": False, "@main": False, "@v1": False, "@trial/a": True}


def test_a_new_commit_is_live_and_an_unreachable_repository_changes_nothing(
    cfg: Config, repository: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = detection(
        cfg,
        write(tmp_path / "own", "own").parent,
        rules_from=f"git+file://{repository}@main#rules",
        fetch_seconds=0.0,
    )
    reloader = Reloader(settings)
    reloader.begin()
    assert words(loaded.live(settings), "one", "two", "own") == ["one", "own"]
    write(repository / "rules", "two")
    commit(repository)
    while not reloader.look():
        pass
    assert words(loaded.live(settings), "one", "two", "own") == ["one", "two", "own"]

    repository.rename(repository.with_name("away"))
    write(tmp_path / "own", "more")
    for _ in range(3):
        while not reloader.look():
            pass
    assert words(loaded.live(settings), "two", "own", "more") == ["two", "own", "more"]
    [said] = [record.getMessage() for record in caplog.records if "stay as they were" in record.getMessage()]
    assert "does not exist" in said or "not appear to be a git repository" in said

    # So does a start, as long as the cache is there.
    begun = Reloader(settings)
    begun.begin()
    assert words(loaded.live(settings), "two", "own", "more") == ["two", "own", "more"]


def test_a_source_that_never_answered_is_not_left_out(cfg: Config, tmp_path: Path) -> None:
    own = write(tmp_path / "own", "own").parent
    settings = detection(cfg, own, rules_from=f"git+file://{tmp_path}/nowhere@main#rules", fetch_seconds=60.0)
    reloader = Reloader(settings)
    for step in (reloader.begin, reloader.look, reloader.look):
        with pytest.raises(ServiceError, match="nowhere"):
            step()


def test_a_store_is_brought_and_only_what_changed_is_fetched_again(tmp_path: Path) -> None:
    kept = write(tmp_path / "bucket" / "rules", "one")
    (tmp_path / "bucket" / "rules" / "notes.md").write_text("no rule")
    source = mirror(f"file://{tmp_path}/bucket/rules", tmp_path / "cache")
    first = source.bring()
    assert inside(first) == [".listing.json", "one.yml"]
    write(tmp_path / "bucket" / "rules" / "below", "two")
    second = source.bring()
    assert inside(second) == [".listing.json", "below/two.yml", "one.yml"]
    assert (second / "one.yml").stat().st_ino == (first / "one.yml").stat().st_ino
    kept.write_text(kept.read_text().replace("Word: one", "Word: other"))
    third = source.bring()
    assert "Word: other" in (third / "one.yml").read_text()
    assert "Word: one" in (second / "one.yml").read_text()


def test_a_store_that_is_away_raises_and_the_last_folder_stays(tmp_path: Path) -> None:
    write(tmp_path / "bucket", "one")
    source = mirror(f"file://{tmp_path}/bucket", tmp_path / "cache")
    folder = source.bring()
    (tmp_path / "bucket").rename(tmp_path / "away")
    with pytest.raises(ServiceError, match="bucket"):
        source.bring()
    assert source.last() == folder


def test_old_folders_are_deleted(tmp_path: Path) -> None:
    source = mirror(f"file://{tmp_path}/bucket", tmp_path / "cache")
    folders = []
    for number in range(KEPT + 2):
        write(tmp_path / "bucket", f"rule{number}")
        folders.append(source.bring())
    assert [folder.exists() for folder in folders] == [False] * 2 + [True] * KEPT
    assert source.last() == folders[-1]


def test_commands_see_rules_from_elsewhere_and_fetch_them_only_when_no_stream_just_did(
    cfg: Config, repository: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own = write(tmp_path / "own", "own").parent
    settings = detection(cfg, own, rules_from=f"git+file://{repository}@main#rules", fetch_seconds=60.0)
    assert words(rule_set.load(settings), "one", "two", "own") == ["one", "own"]
    assert choose(settings, "6005052a-3a34-59e3-815f-5cebba3097eb", date(2026, 3, 5)).rule.title == "says one"

    write(repository / "rules", "two")
    commit(repository)
    assert words(rule_set.load(settings), "two") == []
    [brought] = rule_set.folders(settings)[1:]
    os.utime(brought, (0, 0))
    assert words(rule_set.load(settings), "one", "two") == ["one", "two"]

    repository.rename(repository.with_name("away"))
    for folder in brought.parent.glob("at-*"):
        os.utime(folder, (folder.stat().st_mtime - 3600,) * 2)
    assert words(rule_set.load(settings), "one", "two") == ["one", "two"]
    assert "are as they were" in caplog.text


def test_a_source_that_was_never_brought_is_not_passed_over(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="nowhere"):
        current(f"git+file://{tmp_path}/nowhere@main#rules", tmp_path / "cache", 60.0)


def test_a_rule_from_elsewhere_is_named_with_its_source_and_promoted_there(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(repository / "rules", "one", status="experimental")
    commit(repository)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HAMRONG_DETECTION_RULES", str(tmp_path / "own"))
    monkeypatch.setenv("HAMRONG_DETECTION_RULES_FROM", f"git+file://{repository}@main#rules")
    # Nobody listens there.
    monkeypatch.setenv("HAMRONG_OPENSEARCH_URL", "http://127.0.0.1:9")
    write(tmp_path / "own", "own")
    assert cli.main(["rules", "list"]) == 0
    assert f"  from git+file://{repository}@main#rules" in capsys.readouterr().out.splitlines()
    assert cli.main(["rules", "promote", "6005052a-3a34-59e3-815f-5cebba3097eb", "--force", "--yes"]) == 1
    assert f"its file comes from git+file://{repository}@main#rules" in capsys.readouterr().out


@pytest.mark.parametrize(
    "uri",
    [
        "git+http://example.org/rules.git@main",
        "git+https://example.org/rules.git@--upload-pack=x",
        "git+ext::sh@main",
        "rules",
    ],
)
def test_what_can_never_be_read_is_said_at_once(uri: str, tmp_path: Path) -> None:
    with pytest.raises(HamrongError, match=r"detection\.rules_from"):
        mirror(uri, tmp_path)


def test_no_password_is_told(tmp_path: Path) -> None:
    source = mirror("git+https://bot:s3cret@example.invalid/rules.git@main", tmp_path)
    assert source.uri == "git+https://example.invalid/rules.git@main"
    with pytest.raises(ServiceError) as told:
        source.bring()
    assert "s3cret" not in str(told.value)
    assert "s3cret" not in mirror("s3://key:s3cret@bucket/rules?endpoint_override=s3cret", tmp_path).uri
