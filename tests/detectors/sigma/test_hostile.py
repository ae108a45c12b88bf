"""What an adversary can make a value cost."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

import orjson
import pyarrow as pa
import pytest

from detectors.sigma import match, ndjson, taxonomy
from detectors.sigma.load import load
from detectors.sigma.ruleset import Ruleset

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ruleset() -> Ruleset:
    rules = Path(__file__).parents[4] / "shared/sigmahq/rules/windows/process_creation"
    if not rules.is_dir():
        pytest.skip("no ../shared beside the checkout")
    return Ruleset.load([rules], strict=False)


def cost(ruleset: Ruleset, texts: list[str]) -> float:
    """CPU seconds of matching these command lines, none of them seen before."""
    batch = pa.RecordBatch.from_pydict(
        {"CommandLine": texts, **dict.fromkeys(("Image", "ParentImage"), ["C:\\x.exe"] * len(texts))}
        | {"product": ["windows"] * len(texts), "category": ["process_creation"] * len(texts)}
    )
    start = time.process_time()
    ruleset.match(batch)
    return time.process_time() - start


def test_a_value_that_hits_every_atom_costs_at_most_ten_ordinary_ones(ruleset: Ruleset) -> None:
    atoms = [
        str(atom.value)
        for atom in ruleset.atoms.all
        if atom.field.columns[:1] == ("CommandLine",) and atom.test in ("contains", "startswith", "endswith")
    ]
    hostile = " ".join(atoms)
    ordinary = ("C:\\Windows\\System32\\svchost.exe -k netsvcs -p -s Schedule " * (len(hostile) // 57 + 1))[
        : len(hostile)
    ]
    cost(ruleset, [ordinary, hostile])
    assert len(atoms) > 5_000
    # The same length, so that what is compared is what stands in it; twenty, so that one long pause does not decide.
    usual = cost(ruleset, [f"{number} {ordinary}" for number in range(20)])
    worst = cost(ruleset, [f"{number} {hostile}" for number in range(20)])
    assert worst < 10 * usual, f"{worst / usual:.1f} times"


def test_a_long_value_costs_by_its_length(ruleset: Ruleset) -> None:
    for piece in ("-", "a", "\\", " /c ", "A" * 500 + "=", "\u212a"):
        short, long = (piece * (size // len(piece)) for size in (10_000, 1_000_000))
        cost(ruleset, [short])
        usual = cost(ruleset, [f"{number}{short}" for number in range(100)])
        assert cost(ruleset, [f"x{long}"]) < 10 * usual + 0.05, repr(piece)


EVENT: dict[str, object] = {
    "product": "windows",
    "category": "process_creation",
    **{name: f"C:\\Windows\\{name}.exe" for name in ("Image", "ParentImage", "CommandLine", "CurrentDirectory")},
    **{f"Field{number}": "an ordinary value" for number in range(40)},
}


def seconds(ruleset: Ruleset, events: Sequence[Mapping[str, object]]) -> float:
    """CPU seconds of reading and matching these events, as JSON lines."""
    block = b"\n".join(map(orjson.dumps, events))
    start = time.process_time()
    ruleset.match(ndjson.read(block)[0])
    return time.process_time() - start


@pytest.mark.parametrize("named", [("service",), ("category", "service"), ("product", "category", "service")])
def test_log_sources_of_which_no_rule_is_cost_at_most_ten_ordinary_ones(named: tuple[str, ...]) -> None:
    sources = ["{product: windows, category: process_creation}"]
    sources += [f"{{product: windows, service: s{number}}}" for number in range(200)]
    text = "title: t\nid: r{0}\nlogsource: {1}\ndetection: {{s: {{F{0}: a}}, condition: s}}"
    rules = [load("r.yml", text.format(number, source).encode()).entries for number, source in enumerate(sources)]
    small = Ruleset([entry for entries in rules for entry in entries], taxonomy.Taxonomy([]))
    event = {**EVENT, "F0": "b"}
    seconds(small, [event])
    usual = seconds(small, [event] * 5_000)
    worst = seconds(small, [{**event, **{name: f"{name}{at}" for name in named}} for at in range(5_000)])
    assert worst < 10 * usual, f"{worst / usual:.1f} times"


def test_ever_new_names_cost_at_most_ten_ordinary_ones(ruleset: Ruleset) -> None:
    seconds(ruleset, [EVENT])
    usual = seconds(ruleset, [{**EVENT, "Field0": at} for at in range(3_000)])
    worst = seconds(ruleset, [{**EVENT, f"Other{at}": 1} for at in range(3_000)])
    assert worst < 10 * usual, f"{worst / usual:.1f} times"


def test_forgetting_reaches_the_programs_of_every_log_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(match, "MAX_PROGRAMS", 2)
    sources = ("{category: a}", "{category: b}", "{category: c}", "{category: d}")
    text = "title: t\nid: r{0}\nlogsource: {1}\ndetection: {{s: {{F|contains: [needle, x{0}]}}, condition: s}}"
    rules = [text.format(number, source).encode() for number, source in enumerate(sources)]
    ruleset = Ruleset([entry for rule in rules for entry in load("r.yml", rule).entries], taxonomy.Taxonomy([]))

    def matched(category: str, value: str) -> list[int]:
        batch = pa.RecordBatch.from_pydict({"category": [category], "F": [value]})
        return list(ruleset.match(batch)["rule"].to_pylist())

    for category in "abcdabcd":
        assert matched(category, "nothing") == []
        assert matched(category, f"a needle of {category}") == ["abcd".index(category)]
    monkeypatch.setattr(match, "MEMORY_BYTES", -1)
    for category in "abcddcba":
        # What was forgotten is learnt in another order.
        for number in range(4):
            assert matched(category, f"x{number}") == [number] * (number == "abcd".index(category))
        assert matched(category, f"another needle of {category}") == ["abcd".index(category)]


@pytest.mark.parametrize("test", ["fieldref", "fieldref|startswith", "fieldref|endswith", "fieldref|contains"])
def test_two_long_lists_are_not_compared_pair_by_pair(test: str) -> None:
    rule = f"title: t\nid: r\nlogsource: {{product: p}}\ndetection: {{s: {{F|{test}: G}}, condition: s}}"
    ruleset = Ruleset(load("r.yml", rule.encode()).entries, taxonomy.Taxonomy([]))
    short, long = (
        [{"F": [f"a{at}" for at in range(size)], "G": [f"b{at}" for at in range(size)]}] for size in (100, 1_000)
    )
    seconds(ruleset, short)
    usual = seconds(ruleset, short * 10)
    assert seconds(ruleset, long) < 10 * usual


def test_values_that_hold_many_atoms_are_counted_with_the_sets_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    words = [f"w{number:04d}q" for number in range(2_000)]
    rule = f"title: t\nid: r\nlogsource: {{product: p}}\ndetection: {{s: {{F|contains: {words}}}, condition: s}}"
    entries = load("r.yml", rule.encode()).entries
    monkeypatch.setattr(match, "MEMORY_BYTES", 5_000_000)
    ruleset, random = Ruleset(entries, taxonomy.Taxonomy([])), Random(1)
    ruleset.match(pa.RecordBatch.from_pydict({"F": words}))
    tracemalloc.start()
    for _ in range(100):
        ruleset.match(pa.RecordBatch.from_pydict({"F": [" ".join(random.sample(words, 1_000)) for _ in range(5)]}))
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert held < 2 * match.MEMORY_BYTES
