"""The project's own rules are without fault, and fire and keep quiet as their cases say."""

from __future__ import annotations

import pytest

from hamrong import cli


def test_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["rules", "check"]) == 0, capsys.readouterr().out
    assert ", 0 warnings" in capsys.readouterr().out


def test_cases(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["rules", "test"]) == 0, capsys.readouterr().out
