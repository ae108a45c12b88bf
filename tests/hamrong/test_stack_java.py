from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hamrong.errors import ServiceError
from hamrong.stack.java import bundled_java, find_java, parse_version


def put_java(folder: Path, banner: str) -> Path:
    program = folder / "java"
    program.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{banner}\nEND\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("banner", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "21" 2023-09-19', 21),
        ('openjdk version "25-ea" 2025-09-16', 25),
        ('java version "1.8.0_392"', 8),
        ('Picked up JAVA_TOOL_OPTIONS: -Dx=1\nopenjdk version "11.0.22" 2024-01-16', 11),
        ("command not found", None),
    ],
)
def test_version_of_real_banners(banner: str, version: int | None) -> None:
    assert parse_version(banner) == version


@given(st.text())
def test_any_text_has_a_version_or_none(text: str) -> None:
    assert parse_version(text) is None or 'version "' in text


def test_a_java_that_is_new_enough_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = put_java(tmp_path, 'openjdk version "17.0.1" 2021-10-19')
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert find_java() == program


def test_java_11_is_refused_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_java(tmp_path, 'openjdk version "11.0.22" 2024-01-16')
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(ServiceError, match=r"is Java 11, 17 or newer is needed: install Java 17"):
        find_java()


def test_no_java_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServiceError, match=r"^no 'java' on PATH: install Java 17") as caught:
        find_java()
    assert "\n" not in str(caught.value)


def test_a_java_that_says_nothing_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_java(tmp_path, "what?")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(ServiceError, match="does not say a version"):
        find_java()


def test_the_bundled_java_is_there() -> None:
    assert bundled_java().exists()
