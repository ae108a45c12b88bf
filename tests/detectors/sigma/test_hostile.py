"""What an adversary can make a value cost."""

from __future__ import annotations

import time
from pathlib import Path

import pyarrow as pa
import pytest

from detectors.sigma.ruleset import Ruleset


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
