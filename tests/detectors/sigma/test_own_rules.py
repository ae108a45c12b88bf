"""The project's own rules are without fault, and fire and keep quiet as their cases say."""

from __future__ import annotations

from datetime import date

import pytest

from hamrong import cli, rule_set


def test_check(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    # A day on which no exception of ours has come to its end.
    monkeypatch.setattr(rule_set, "today", lambda: date(2026, 11, 24))
    assert cli.main(["rules", "check"]) == 0, capsys.readouterr().out
    assert ", 0 warnings" in capsys.readouterr().out


def test_our_own_scanners_are_an_exception_where_they_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    line = '{0} - - [05/Mar/2026:09:00:00 +0700] "GET /?q=1 HTTP/1.1" {1} 99 "-" "sqlmap/1.8"'
    for address, fires in (("192.0.2.249", False), ("198.51.100.7", True)):
        rule = "754da051-4dd9-448f-a026-d904eace8108"
        assert cli.main(["rules", "explain", rule, line.format(address, 404)]) == (0 if fires else 1)
        assert ("filter Our own scanners" in capsys.readouterr().out) is True


@pytest.mark.slow
def test_cases(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["rules", "test"]) == 0, capsys.readouterr().out
