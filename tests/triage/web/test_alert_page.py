"""What the page of an alert makes of its document."""

from __future__ import annotations

from detectors.alert import threat
from triage.web.alert_page import techniques


def test_techniques_are_named_and_one_whose_sub_technique_is_there_is_left_out() -> None:
    made = threat(("attack.t1110.001", "attack.t1059", "attack.t9999"))
    assert techniques({"threat": made}) == [
        ("T1059", "Command and Scripting Interpreter"),
        ("T9999", ""),
        ("T1110.001", "Brute Force: Password Guessing"),
    ]
    assert techniques({}) == techniques({"threat": {}}) == []
