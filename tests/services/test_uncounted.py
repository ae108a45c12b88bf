"""What correlations did not count, on a real OpenSearch: sums that stay right over hours, runs and failures."""

from __future__ import annotations

import dataclasses
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from dashboards.loader import install_templates
from detectors.sigma.ruleset import Ruleset
from hamrong import cli
from hamrong.config import Config
from jobs import rule_figures
from jobs.uncounted import Counts, Uncounted
from tests.detectors.sigma.log_in_rules import LOG_INS

pytestmark = [pytest.mark.services, pytest.mark.timeout(200)]

NOW = datetime.now(UTC)

RULES = (
    LOG_INS
    + """
title: many refused
id: many
correlation: {type: event_count, rules: [refused], group-by: [source.ip], timespan: 1m, condition: {gte: 3}}
"""
)


def test_sums_of_hours_and_runs_are_figures_of_the_correlation(
    cfg: Config,
    opensearch_url: str,
    opensearch_client: OpenSearch,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    install_templates(opensearch_client)
    settings = dataclasses.replace(cfg.opensearch, url=opensearch_url, rule_costs_index="soc-rule-costs-uncounted")
    mine = dataclasses.replace(cfg, opensearch=settings)
    (tmp_path / "many.yml").write_text(RULES)
    ruleset = Ruleset.load([tmp_path / "many.yml"], strict=True)

    def figures() -> tuple[int, int]:
        opensearch_client.indices.refresh(index=settings.rule_costs_index)
        found = rule_figures.read(opensearch_client, mine, ruleset, NOW - timedelta(hours=1))
        return next((one.late, one.forgotten) for one in found if one.rule == "many")

    def counts(late: int, forgotten: int = 0) -> Counts:
        return Counter({("many", "late"): late, ("many", "forgotten"): forgotten})

    try:
        one = Uncounted()
        one.tell(counts(2), mine, NOW)
        one.tell(counts(5, 1), mine, NOW)
        assert figures() == (5, 1)
        away = dataclasses.replace(mine, opensearch=dataclasses.replace(settings, url="http://127.0.0.1:9"))
        one.tell(counts(6, 1), away, NOW)
        # The next hour, with what nobody took in the last.
        one.tell(counts(9, 1), mine, NOW + timedelta(hours=1))
        one.tell(counts(9, 1), mine, NOW + timedelta(hours=2))
        assert figures() == (9, 1)
        Uncounted().tell(counts(1), mine, NOW)
        assert figures() == (10, 1)

        monkeypatch.setattr("hamrong.config.load", lambda: mine)
        monkeypatch.setattr("jobs.loaded.live", lambda detection: ruleset)
        assert cli.main(["rules", "stats", "--top", "1"]) == 0
        said = "many refused (many): 10 came too late; 1 are forgotten, since one group had too many"
        assert f"matches not counted: {said}" in capsys.readouterr().out.splitlines()
    finally:
        opensearch_client.indices.delete(index=settings.rule_costs_index, ignore=404)
