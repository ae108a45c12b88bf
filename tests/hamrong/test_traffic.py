"""The demo's lines: the same for the same seed, of the register's systems, and with the alerts that they promise."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from detectors.anomaly.alerts import RULE_ID
from detectors.sigma.occurrences import correlate
from detectors.sigma.ruleset import Ruleset
from hamrong.config import PROJECT
from hamrong.demo import people, scene, traffic
from hamrong.errors import InvalidFileError
from ingest.event import RAW
from ingest.parse import parse
from ingest.sources import Register

pytestmark = pytest.mark.slow

SCENES = scene.load()
REGISTER = Register.load(PROJECT / "sources.yml")
START = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
DOCUMENTATION = [
    ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
]


def live(seed: int = 7, rate: float = 30, attacks: bool = True) -> list[traffic.Timed]:
    return traffic.render(SCENES, seed, START, 60, rate, attacks)


def host_of(line: bytes) -> str:
    found = re.match(rb"<\d+>(?:1 \S+|\w{3} [ \d]\d [\d:]{8}) (\S+) ", line)
    assert found, line
    return found[1].decode()


@pytest.fixture(scope="module")
def ruleset() -> Ruleset:
    return Ruleset.load([PROJECT / "rules"])


def events_of(lines: list[bytes]) -> pa.RecordBatch:
    rows = [{"value": line, "peer": "127.0.0.1", "received": START, "id": str(row)} for row, line in enumerate(lines)]
    return parse(pa.RecordBatch.from_pylist(rows, schema=RAW), REGISTER)


def alerts_of(ruleset: Ruleset, events: pa.RecordBatch) -> set[tuple[str, str]]:
    """(rule, entity) of each alert of rules and correlations."""
    matches = ruleset.match(events)
    rules = [ruleset.rules[number] for number in matches.column("rule").to_pylist()]
    rows = events.take(matches.column("row"))
    found = {
        (rule.id, row[rule.entity])
        for rule, row in zip(rules, rows.to_pylist(), strict=True)
        if rule.generate and rule.entity
    }
    inputs = ruleset.correlation_inputs(pa.array([rule.id for rule in rules], pa.string()), rows)
    by_id = {row["event.id"]: row for row in rows.to_pylist()}
    for correlation, _, firing in correlate(ruleset.correlations, inputs):
        assert correlation.entity
        found.add((correlation.id, by_id[firing.event_ids[-1]][correlation.entity]))
    return found


def test_the_attacks_raise_the_alerts_that_are_promised_and_others_about_nobody_else(ruleset: Ruleset) -> None:
    promised = {(alert.rule_id, alert.entity_value) for alert in traffic.expected(SCENES, 7)}
    raised = alerts_of(ruleset, events_of([line for _, line in live()]))
    assert raised >= {alert for alert in promised if alert[0] != RULE_ID}
    others = {entity for _, entity in raised} - {entity for _, entity in promised} - set(people.ATTACK_ADDRESSES)
    assert [entity for entity in others if not entity.startswith("2001:db8:20:ff::")] == []  # where insiders sit


@pytest.mark.parametrize("seed", range(3))
def test_ordinary_lines_raise_no_alert(ruleset: Ruleset, seed: int) -> None:
    lines = [line for _, line in live(seed, rate=100, attacks=False)]
    assert alerts_of(ruleset, events_of(lines)) == set()
    assert alerts_of(ruleset, events_of(traffic.baseline(SCENES, seed, START))) == set()


def test_every_line_is_understood_and_of_a_system() -> None:
    events = events_of([line for _, line in live()])
    assert set(events.column("event.kind").to_pylist()) == {"event"}
    assert events.column("service.name").null_count == 0


def test_the_demo_plays_rules_that_raise_alerts(ruleset: Ruleset) -> None:
    raising = {rule.id for rule in (*ruleset.rules, *ruleset.correlations) if rule.generate}
    played = {attack.rule for one in SCENES for attack in one.attacks}
    assert scene.ANOMALY == RULE_ID
    assert played - {RULE_ID} <= raising


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_ones() -> None:
    assert live(7) == live(7)
    assert live(7) != live(8)
    assert traffic.baseline(SCENES, 7, START) == traffic.baseline(SCENES, 7, START)


def test_each_seed_has_entities_of_its_own_so_that_a_second_demo_raises_new_alerts() -> None:
    entities = [alert.entity_value for seed in range(10) for alert in traffic.expected(SCENES, seed)]
    assert len(entities) == len(set(entities))


def test_attackers_are_nobody_who_also_does_ordinary_things() -> None:
    attackers = {alert.entity_value for alert in traffic.expected(SCENES, 7)} | set(people.ATTACK_ADDRESSES)
    ordinary = b"\n".join([*traffic.baseline(SCENES, 7, START), *(line for _, line in live(attacks=False))]).decode()
    assert attackers & set(re.findall(r"[\w.:]+(?<![.:])", ordinary)) == set()


def test_offsets_are_in_order_within_the_time_and_the_count_follows_the_rate() -> None:
    offsets = [offset for offset, _ in live(rate=50, attacks=False)]
    assert offsets == sorted(offsets)
    assert offsets[0] >= 0
    assert offsets[-1] <= 60
    assert 3000 <= len(offsets) <= 3060


def test_every_stamp_is_the_start_plus_the_offset_in_vietnamese_time() -> None:
    for offset, line in live():
        moment = START + timedelta(seconds=offset)
        if stamp := re.match(rb"<\d+>1 (\S+\+07:00) ", line):
            written, precision = datetime.fromisoformat(stamp[1].decode()), timedelta(milliseconds=2)
        else:
            text = f"2026 {line[line.index(b'>') + 1 :][:15].decode()} +0700"
            written, precision = datetime.strptime(text, "%Y %b %d %H:%M:%S %z"), timedelta(seconds=1, milliseconds=1)
        assert abs(written - moment) <= precision


def test_every_address_is_of_the_documentation_ranges() -> None:
    text = b"\n".join(line for _, line in live()).decode()
    text = re.sub(r"Chrome/[\d.]+|Safari/[\d.]+|CocCoc/[\d.]+|\d\d:\d\d:\d\d", "", text)
    found = set(re.findall(r"\b\d{1,3}(?:\.\d{1,3}){3}\b|\b2001:[0-9a-f:]+", text))
    assert len(found) > 100
    assert [one for one in found if not any(ipaddress.ip_address(one) in net for net in DOCUMENTATION)] == []


def test_every_system_of_the_register_has_ordinary_lines_and_an_attack() -> None:
    ids = {system.id for system in REGISTER.systems}
    seen: Counter[str] = Counter()
    for line in traffic.baseline(SCENES, 7, START):
        system = REGISTER.find("127.0.0.1", host_of(line))
        assert system, line
        seen[system.id] += 1
    assert set(seen) == ids
    assert {alert.system for alert in traffic.expected(SCENES, 7)} == ids


def test_the_hosts_of_an_attack_are_of_its_system() -> None:
    for one in SCENES:
        for attack in one.attacks:
            system = REGISTER.find("127.0.0.1", attack.session.steps[0].host)
            assert system
            assert system.id == one.system


def test_the_past_lies_within_its_hours_oldest_first_and_has_nights() -> None:
    lines = traffic.baseline(SCENES, 7, START, hours=36, lines=2000)
    assert 2000 <= len(lines) <= 2100
    audits = [found for line in lines if (found := re.match(rb"<\d+>1 (\S+) ", line))]
    stamps = [datetime.fromisoformat(found[1].decode()) for found in audits]
    assert stamps == sorted(stamps)
    assert START - timedelta(hours=36) <= stamps[0]
    assert stamps[-1] <= START
    assert {stamp.hour for stamp in stamps} == set(range(24))


def test_the_unusual_official_does_far_more_than_any_other_account() -> None:
    (unusual,) = (alert for alert in traffic.expected(SCENES, 7) if alert.rule_id == scene.ANOMALY)
    attackers = {alert.entity_value for alert in traffic.expected(SCENES, 7)}
    paths: defaultdict[str, set[str]] = defaultdict(set)
    for _, line in live(rate=80):
        if request := re.search(r'nginx: \S+ - (\S+) \[[^]]*\] "\w+ (\S+)', line.decode()):
            paths[request[1]].add(request[2])
    others = [len(seen) for user, seen in paths.items() if user not in {"-", *attackers}]
    assert len(paths[unusual.entity_value]) > 5 * max(others)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("system: x\nordinary: [{actor: ghost, steps: []}]\n", "actor is 'ghost'"),
        ("system: x\nordinari: []\n", "ordinari"),
        ("program: x\n", "system"),
        ("system: [\n", "not YAML"),
    ],
)
def test_a_broken_scene_is_named_with_its_fault(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "x.yml").write_text(text)
    with pytest.raises(InvalidFileError, match=re.escape(str(tmp_path / "x.yml"))) as caught:
        scene.load(tmp_path)
    assert why in str(caught.value)
