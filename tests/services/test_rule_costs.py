"""What workers tell of their rules, on a real OpenSearch: sums that stay right, and quarantines that all obey."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pyarrow as pa
import pytest
import yaml
from opensearchpy import OpenSearch

from dashboards.loader import install_templates
from detectors.alert import Seen, Source, document, index_name
from detectors.sigma import match, taxonomy
from detectors.sigma.budget import Budget
from detectors.sigma.load import load
from detectors.sigma.ruleset import Ruleset
from hamrong import cli
from hamrong.config import Config
from jobs import rule_costs, rule_figures
from jobs.rule_costs import Teller, quarantines, release
from jobs.sinks.opensearch import Outlet

pytestmark = [pytest.mark.services, pytest.mark.timeout(200)]

ALIAS = "cost-alerts"
NOW = datetime.now(UTC)
DEAR = "x{1,900}y.{500,900}z"
"""More than a database takes, so that it is searched for by itself."""


class Told:
    """Alerts as the topic would have them."""

    def __init__(self, client: OpenSearch) -> None:
        self._client = client

    def send(self, documents: list[dict[str, Any]]) -> None:
        for one in documents:
            index = index_name(ALIAS, NOW)
            self._client.index(index=index, id=one["soc"]["alert"]["id"], body=one, refresh=True)


@pytest.fixture
def mine(cfg: Config, opensearch_url: str, opensearch_client: OpenSearch) -> Iterator[Config]:
    def forget() -> None:
        for index in (index_name(ALIAS, NOW), "soc-rules", "soc-rule-costs"):
            opensearch_client.indices.delete(index=index, ignore=404)

    # Streams of other tests tell what their rules cost, too.
    forget()
    install_templates(opensearch_client, alias=ALIAS)
    settings = dataclasses.replace(cfg.opensearch, url=opensearch_url, alerts_alias=ALIAS, shadow_alias="cost-shadow")
    detection = dataclasses.replace(cfg.detection, rule_costs_seconds=0.0)
    yield dataclasses.replace(cfg, opensearch=settings, detection=detection)
    forget()


def worker(pattern: str = DEAR, microseconds: float = 1_000.0) -> Ruleset:
    entries = []
    for name, selection in {"dear": {"F|re": pattern}, "cheap": {"F": "needle"}}.items():
        rule = {
            "title": f"The {name} one",
            "id": name,
            "logsource": {"product": "p"},
            "detection": {"s": selection, "condition": "s"},
        }
        entries += load("r.yml", yaml.safe_dump(rule).encode()).entries
    budget = Budget(microseconds=microseconds, matches=1e9)
    return Ruleset(entries, taxonomy.Taxonomy([]), budget=budget, version="v1")


def work(ruleset: Ruleset, events: int = 200) -> None:
    texts = [f"{number} " + "xy" * 1_000 for number in range(events - 1)] + ["needle"]
    ruleset.match(pa.RecordBatch.from_pydict({"F": texts}))


def tell(teller: Teller, cfg: Config, client: OpenSearch) -> bool:
    told = teller.tell(cfg, Told(client))  # type: ignore[arg-type]
    client.indices.refresh(index="soc-*", ignore_unavailable=True)
    return told


def figures(client: OpenSearch, cfg: Config, ruleset: Ruleset) -> dict[str, rule_figures.Figure]:
    found = rule_figures.read(client, cfg, ruleset, NOW - timedelta(days=7))
    return {figure.rule: figure for figure in found}


def test_sums_of_all_workers_are_told_and_telling_again_adds_nothing(
    mine: Config, opensearch_client: OpenSearch
) -> None:
    one, other = worker(microseconds=1e9), worker(microseconds=1e9)
    tellers = [Teller(one), Teller(other)]
    for _ in range(3):
        work(one)
        assert not tell(tellers[0], mine, opensearch_client)
    work(other, 400)
    for teller in (*tellers, *tellers):
        tell(teller, mine, opensearch_client)
    found = figures(opensearch_client, mine, one)
    # Four batches of 200, 200, 200 and 400 events, with one match each.
    assert found["cheap"].matches == pytest.approx(4.0)
    assert found["dear"].matches == 0
    nanoseconds = one.spent()["dear"].nanoseconds + other.spent()["dear"].nanoseconds
    assert found["dear"].microseconds == pytest.approx(nanoseconds / 1000)
    assert next(iter(found)) == "dear"


def test_an_hour_keeps_what_was_told_in_it(
    mine: Config, opensearch_client: OpenSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    ruleset = worker(microseconds=1e9)
    teller = Teller(ruleset)
    for hours in (3, 2):

        class Clock(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
                return NOW - timedelta(hours=hours)  # noqa: B023

        monkeypatch.setattr(rule_costs, "datetime", Clock)
        for _ in range(2):
            work(ruleset)
            tell(teller, mine, opensearch_client)
    query = {"size": 100, "query": {"term": {"rule.id": "cheap"}}, "sort": "@timestamp"}
    hits = opensearch_client.search(index="soc-rule-costs", body=query)["hits"]["hits"]
    assert [hit["_source"]["soc"]["cost"]["matches"] for hit in hits] == [2, 2]
    assert figures(opensearch_client, mine, ruleset)["cheap"].matches == pytest.approx(5.0)


def test_a_quarantine_is_an_alert_and_holds_for_every_worker_until_the_rule_changes(
    mine: Config, opensearch_client: OpenSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(match, "LEAST_EVENTS", 100)
    first = worker()
    work(first)
    assert first.suspended.keys() == {"dear"}
    teller = Teller(first)
    assert not tell(teller, mine, opensearch_client)
    hits = opensearch_client.search(index=ALIAS)["hits"]["hits"]
    [alert] = (hit["_source"]["soc"]["alert"] for hit in hits)
    assert alert["entity"] == {"type": "rule.id", "value": "dear"}
    assert first.suspended["dear"] in alert["reason"]
    assert "bị cách ly" in alert["reason_vi"]

    # Another worker, and one after a restart: they have not seen an event.
    for _ in range(2):
        later = worker()
        assert not tell(Teller(later), mine, opensearch_client)
        assert later.suspended == first.suspended
    assert figures(opensearch_client, mine, first)["dear"].quarantine == first.suspended["dear"]

    changed = worker("x[0-9]y")
    assert not tell(Teller(changed), mine, opensearch_client)
    assert changed.suspended == {}
    assert figures(opensearch_client, mine, changed)["dear"].quarantine == ""
    assert quarantines(opensearch_client, mine).keys() == {"dear"}
    rule_figures.refresh(opensearch_client, mine, changed, NOW)
    opensearch_client.indices.refresh(index="soc-rules")
    assert quarantines(opensearch_client, mine) == {}


def test_a_released_rule_is_loaded_anew(
    mine: Config, opensearch_client: OpenSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(match, "LEAST_EVENTS", 100)
    ruleset = worker()
    work(ruleset)
    teller = Teller(ruleset)
    assert not tell(teller, mine, opensearch_client)
    assert release(opensearch_client, mine, "dear")
    assert not release(opensearch_client, mine, "dear")
    assert tell(teller, mine, opensearch_client)


def test_verdicts_become_a_rate_and_the_document_of_a_rule(mine: Config, opensearch_client: OpenSearch) -> None:
    ruleset = worker()
    verdicts = ["true_positive", "false_positive", "false_positive", "benign_expected", "duplicate", None]
    for number, verdict in enumerate(verdicts):
        seen = Seen("source.ip", f"192.0.2.{number}", NOW, 3600, 1, NOW, NOW, [], extra={"verdict": verdict})
        Told(opensearch_client).send([document(Source("dear", "The dear one", "high", "sigma"), seen, NOW)])
    long_ago = NOW - timedelta(days=9)
    seen = Seen("source.ip", "192.0.2.99", long_ago, 3600, 1, long_ago, long_ago, [])
    Told(opensearch_client).send([document(Source("cheap", "The cheap one", "high", "sigma"), seen, long_ago)])
    found = figures(opensearch_client, mine, ruleset)
    dear, cheap = found["dear"], found["cheap"]
    assert (dear.alerts, dear.false_positives, dear.judged, dear.false_positive_rate) == (6, 2, 4, 0.5)
    assert (cheap.alerts, cheap.false_positive_rate) == (0, None)
    assert cheap.last_fired == long_ago.isoformat(timespec="seconds")
    rule_figures.refresh(opensearch_client, mine, ruleset, NOW)
    opensearch_client.indices.refresh(index="soc-rules")
    query = {"query": {"range": {"soc.rule.false_positive_rate": {"gte": 0.5}}}}
    [hit] = opensearch_client.search(index="soc-rules", body=query)["hits"]["hits"]
    assert (hit["_source"]["rule"]["name"], hit["_source"]["soc"]["rule"]["alerts"]) == ("The dear one", 6)


def test_the_commands_tell_the_same(
    mine: Config,
    opensearch_client: OpenSearch,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(match, "LEAST_EVENTS", 100)
    ruleset = worker()
    work(ruleset)
    tell(Teller(ruleset), mine, opensearch_client)
    monkeypatch.setattr("hamrong.config.load", lambda: mine)
    monkeypatch.setattr("jobs.loaded.live", lambda detection: ruleset)
    assert cli.main(["rules", "stats", "--top", "1", "--json"]) == 0
    answer = orjson.loads(capsys.readouterr().out)
    assert [rule["rule"] for rule in answer["rules"]] == ["dear"]
    assert answer["quarantined"] == ["dear"]
    assert cli.main(["rules", "stats", "--sort", "alerts"]) == 0
    shown = capsys.readouterr().out
    assert "The dear one" in shown
    assert f"quarantined: The dear one (dear): it {ruleset.suspended['dear']}" in shown
    assert cli.main(["rules", "release", "dear"]) == 0
    assert "dear is tried again" in capsys.readouterr().out
    assert cli.main(["rules", "release", "dear"]) == 1


def test_without_opensearch_no_line_waits(
    cfg: Config, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = dataclasses.replace(cfg, opensearch=dataclasses.replace(cfg.opensearch, url="http://127.0.0.1:9"))
    ruleset = worker()
    work(ruleset)
    with Outlet(nowhere) as outlet:
        assert Teller(ruleset).tell(nowhere, outlet) is False
    assert "what the rules cost is not told to OpenSearch" in caplog.text
