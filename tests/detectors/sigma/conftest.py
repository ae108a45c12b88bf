"""Rule sets made of text, and the outside corpora where they lie beside the checkout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from detectors.sigma.ruleset import Ruleset

SHARED = Path(__file__).parents[4] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Public rules and events, in no checkout of strangers."""
    if not SHARED.is_dir():
        pytest.skip("no ../shared beside the checkout")
    return SHARED


@pytest.fixture(scope="session")
def public(shared: Path) -> Ruleset:
    """All public rules, loaded once."""
    return Ruleset.load([shared / "sigmahq"], strict=False)


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., Ruleset]:
    """`load(text, …)`: the rule set of these files."""

    def made(*texts: str, strict: bool = True) -> Ruleset:
        for number, text in enumerate(texts):
            (tmp_path / f"rule{number}.yml").write_text(text, encoding="utf-8")
        return Ruleset.load([tmp_path], strict=strict)

    return made
