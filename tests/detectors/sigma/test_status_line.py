"""One word of a rule file changes, and no other byte."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.sigma.status_line import replace, with_status
from hamrong.errors import InvalidFileError

RULE = b"title: one\nstatus: experimental   # since May\nlevel: low\n"


def test_only_the_word_changes() -> None:
    assert with_status("a.yml", RULE, 1, "experimental", "test") == RULE.replace(b"experimental", b"test")


def test_of_several_rules_the_one_that_is_meant() -> None:
    content = RULE + b"---\n" + RULE.replace(b"\n", b"\r\n") + b"# experimental\n"
    made = with_status("a.yml", content, 5, "experimental", "test")
    assert (
        made == RULE + b"---\n" + RULE.replace(b"\n", b"\r\n").replace(b"experimental", b"test") + b"# experimental\n"
    )


@pytest.mark.parametrize(
    "written",
    [b"'status': 'experimental'", b'status:   "experimental"', b"status : experimental", b"status: experimental"],
)
def test_as_people_write_it(written: bytes) -> None:
    content = b"title: x\n" + written + b"\n"
    made = with_status("a.yml", content, 1, "experimental", "test")
    assert made == content.replace(b"experimental", b"test")


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        (b"title: x\n", 1, "a.yml:1: does not say 'status: experimental'"),
        (b"title: x\nstatus: stable\n", 1, "a.yml:2: does not say"),
        (b"title: x\nstatus:\n  experimental\n", 1, "a.yml:2: does not say"),
        (b"title: x\nstatus: &s experimental\n", 1, "a.yml:2: does not say"),
        (b"{title: 'status: experimental', status: experimental}\n", 1, "a.yml:1: does not say"),
        (b"title: x\n", 9, "a.yml:9: begins no rule"),
        (b"title: [\n", 1, "a.yml:2: is not YAML"),
    ],
)
def test_what_cannot_be_changed_is_left_and_said(content: bytes, line: int, said: str) -> None:
    with pytest.raises(InvalidFileError, match=said):
        with_status("a.yml", content, line, "experimental", "test")


@given(st.lists(st.sampled_from([b"experimental", b"stable", b"test"]), min_size=1, max_size=5), st.data())
def test_every_other_status_stays(statuses: list[bytes], data: st.DataObject) -> None:
    content = b"---\n".join(b"title: x # experimental\nstatus: %s\n" % status for status in statuses)
    chosen = data.draw(st.integers(0, len(statuses) - 1))
    line = chosen * 3 + 1
    if statuses[chosen] != b"experimental":
        with pytest.raises(InvalidFileError):
            with_status("a.yml", content, line, "experimental", "test")
        return
    expected = [b"test" if number == chosen else status for number, status in enumerate(statuses)]
    made = with_status("a.yml", content, line, "experimental", "test")
    assert made == b"---\n".join(b"title: x # experimental\nstatus: %s\n" % status for status in expected)


def test_a_file_is_replaced_with_its_rights(tmp_path: Path) -> None:
    file = tmp_path / "a.yml"
    file.write_bytes(RULE)
    file.chmod(0o640)
    replace(file, b"x")
    assert (file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) == (b"x", 0o640)
    assert list(tmp_path.iterdir()) == [file]
