"""Fields and log sources that no table knows."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from detectors.sigma.check import fields
from detectors.sigma.ruleset import Ruleset

RULE = """title: t
id: one
logsource: {{{source}}}
detection:
  other: {{G: 1}}
  selection:
    - {field}: x
  condition: selection
"""
WINDOWS = "product: windows, category: process_creation"


@pytest.mark.parametrize(
    ("source", "field", "hint"),
    [
        (WINDOWS, "Image|endswith", None),
        (WINDOWS, "Imagee|endswith", "did you mean 'Image'?"),
        (WINDOWS, "NothingLikeIt", "use a dotted ECS name"),
        (WINDOWS, "source.ip", None),
        (WINDOWS, "source.ipp", "did you mean 'source.ip'?"),
        (WINDOWS, "acme.source.ipp", None),
        (WINDOWS, "process.thing.that.we.have.not", None),
        ("category: webserver", "cs-uri-query|contains", None),
        ("category: webserver", "cs-uri-qerry|contains", "did you mean 'cs-uri-query'?"),
    ],
)
def test_unknown_fields(source: str, field: str, hint: str | None, load: Callable[..., Ruleset]) -> None:
    found = list(fields.doubts(load(RULE.format(source=source, field=field))))
    if hint is None:
        assert not found
    else:
        (doubt,) = found
        assert (doubt.kind, doubt.problem.line) == ("unknown-field", 7)
        assert field.split("|")[0] in doubt.problem.what
        assert hint in doubt.problem.hint


def test_unknown_log_sources(load: Callable[..., Ruleset]) -> None:
    (doubt,) = fields.doubts(load(RULE.format(source="product: linux, service: telnetd", field="user.name")))
    assert (doubt.kind, doubt.problem.line) == ("unknown-logsource", 3)
    assert "product linux, service telnetd" in doubt.problem.what
