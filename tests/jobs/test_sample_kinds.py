"""The sample lines of the parsers say which log sources and fields could come."""

from __future__ import annotations

import pytest

from detectors.sigma import taxonomy
from detectors.sigma.alive import together
from detectors.sigma.rule import LogSource
from hamrong import case_lines
from hamrong.config import Detection
from jobs import sample_kinds


@pytest.mark.slow
def test_parsers_and_modules_by_name() -> None:
    kinds = sample_kinds.read(case_lines.parser(Detection()), taxonomy.load())
    sshd = LogSource("linux", None, "sshd")
    assert {"sshd", "linux", "province", "nginx", "sudo", "pam"} <= kinds.keys()
    assert any(any(kind) and kind.fits(sshd) for kind in kinds["sshd"])
    assert not any(any(kind) and kind.fits(sshd) for kind in kinds["province"])
    audit = [columns for kind, columns in kinds["province"].items() if kind.fits(LogSource("hamrong", None, "audit"))]
    assert {"event.action", "user.name", "soc.audit.purpose"} <= set().union(*audit)
    every = together(kinds.values())
    assert every.keys() == {kind for one in kinds.values() for kind in one}
