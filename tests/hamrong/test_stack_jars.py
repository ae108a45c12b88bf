"""The list is checked against itself; the fetching, with a stand-in for Ivy that a fake `java` plays."""

from __future__ import annotations

import hashlib
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pyspark
import pytest
from rich.progress import Progress

from hamrong.errors import ServiceError
from hamrong.stack import jars

FAKE_IVY = """\
#!/bin/sh
[ "$1" = -version ] && { echo 'openjdk version "17.0.1"' >&2; exit 0; }
while [ $# -gt 0 ]; do
  case "$1" in -confs) part=$2;; -retrieve) folder=$(dirname "$2");; esac
  shift
done
echo "$part" >> "$(dirname "$0")/asked"
printf '\\tfound org#%s-lib;1.0 in central\\n' "$part"
[ -e "$(dirname "$0")/broken" ] && { echo '\t:: org#lib;1.0: not found'; exit 1; }
printf %s "$part" > "$folder/$part-lib-1.0.jar"
"""


def listed(folder: Path, contents: dict[str, str]) -> None:
    lines = [
        f"{hashlib.sha256(content.encode()).hexdigest()}  {part}/{part}-lib-1.0.jar"
        for part, content in contents.items()
    ]
    (folder / "jars.sha256").write_text("\n".join(lines) + "\n")


@pytest.fixture
def ivy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the fake `java`, first on PATH, and a list of one jar a part."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "java").write_text(FAKE_IVY)
    (folder / "java").chmod(0o755)
    listed(folder, {part: part for part in jars.PARTS})
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr(jars, "_FOLDER", folder)
    return folder


def fetch(home: Path) -> Progress:
    progress = Progress(disable=True)
    jars.fetch(home, progress)
    return progress


def asked(ivy: Path) -> list[str]:
    path = ivy / "asked"
    return sorted(path.read_text().split()) if path.exists() else []


def test_every_part_is_fetched_and_the_second_time_is_free(
    ivy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    progress = fetch(home)
    assert [path.name for path in jars.spark_jars(home)] == ["spark-lib-1.0.jar"]
    assert all(task.finished for task in progress.tasks)
    assert len(progress.tasks) == 3
    monkeypatch.setenv("PATH", "")
    assert fetch(home).tasks == []
    assert asked(ivy) == ["kafka", "opensearch", "spark"]


def test_jars_that_were_not_fetched_are_asked_for_by_name(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match=r"the jars of kafka are not in .*: run 'hamrong stack jars'"):
        jars.jars(tmp_path, "kafka")


def test_only_the_part_whose_list_changed_is_fetched_anew(ivy: Path, tmp_path: Path) -> None:
    fetch(tmp_path)
    listed(ivy, {"spark": "spark", "kafka": "other", "opensearch": "opensearch"})
    (ivy / "java").write_text(FAKE_IVY.replace('printf %s "$part"', "printf other"))
    fetch(tmp_path)
    assert asked(ivy) == ["kafka", "kafka", "opensearch", "spark"]


def test_a_failure_is_a_sentence_and_leaves_nothing_half_done(ivy: Path, tmp_path: Path) -> None:
    (ivy / "broken").touch()
    with pytest.raises(
        ServiceError, match=r"jars of \w+ cannot be fetched \(org#lib;1.0: not found\): .*log/jars-\w+\.log"
    ):
        fetch(tmp_path)
    assert asked(ivy).count("spark") == 3
    with pytest.raises(ServiceError):
        jars.spark_jars(tmp_path)
    (ivy / "broken").unlink()
    fetch(tmp_path)
    assert [path.name for path in (tmp_path / "jars").glob(".partial-*")] == []
    assert jars.spark_jars(tmp_path)


def test_a_jar_with_another_hash_is_refused(ivy: Path, tmp_path: Path) -> None:
    listed(ivy, {"spark": "what we pinned", "kafka": "kafka", "opensearch": "opensearch"})
    with pytest.raises(ServiceError, match=r"spark-lib-1\.0\.jar is not the jar that was pinned"):
        fetch(tmp_path)
    with pytest.raises(ServiceError):
        jars.spark_jars(tmp_path)
    assert jars.jars(tmp_path, "kafka")


def test_the_list_and_its_hashes_name_the_same_jars() -> None:
    dependencies = ET.parse(Path(jars.__file__).parent / "ivy.xml").iter("dependency")
    pinned: dict[str, set[str]] = {part: set() for part in jars.PARTS}
    for dependency in dependencies:
        assert dependency.get("transitive") == "false"
        part = dependency.attrib["conf"].removesuffix("->default")
        pinned[part].add(f"{dependency.get('name')}-{dependency.get('rev')}.jar")
    assert {part: set(jars._hashes(part)) for part in jars.PARTS} == pinned


def test_spark_gets_no_second_copy_of_what_pyspark_ships() -> None:
    def artifacts(names: list[str]) -> set[str]:
        return {re.sub(r"-\d[^/]*\.jar$", "", name) for name in names}

    shipped = artifacts([path.name for path in (Path(pyspark.__file__).parent / "jars").glob("*.jar")])
    assert artifacts(list(jars._hashes("spark"))) & shipped == set()
