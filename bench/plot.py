"""Events per second against the number of rules, from what `bench/sigma.py --json` wrote, as an SVG.

    python bench/plot.py sigma.json sigma.svg

Both axes are logarithmic. A matcher whose cost grew with each rule would fall from the upper left to the lower right.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 84, 696, 48, 356
SERIES = (
    ("warm_events_per_second", "#0b6e4f", "warm: values seen before"),
    ("cold_events_per_second", "#b5651d", "cold: nothing remembered"),
)
INK, GRID = "#333", "#ddd"


@dataclass(frozen=True)
class Axis:
    """A logarithmic axis from `start` to `end` of the drawing."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        share = (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return self.start + share * (self.end - self.start)

    def ticks(self) -> Iterator[float]:
        """1, 2 and 5 of each power of ten."""
        for power in range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1):
            yield from (tick for digit in (1, 2, 5) if self.low <= (tick := digit * 10.0**power) <= self.high)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("numbers", type=Path, help="JSON of bench/sigma.py")
    parser.add_argument("svg", type=Path, help="the drawing to write")
    args = parser.parse_args(argv)
    args.svg.write_text(draw(json.loads(args.numbers.read_text())))
    return 0


def draw(numbers: dict[str, Any]) -> str:
    """`numbers` as bench/sigma.py writes them: `events`, and `rows` by number of rules."""
    rows = numbers["rows"]
    rates = [row[name] for row in rows for name, _, _ in SERIES]
    sizes = [row["rules"] for row in rows]
    across = Axis(min(sizes) / 1.2, max(sizes) * 1.2, LEFT, RIGHT)
    up = Axis(min(rates) / 1.5, max(rates) * 1.5, BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(LEFT, 26, f"Events per CPU second, {numbers['events']:,} Windows events", size=15),
        *_grid(across, up),
        _text((LEFT + RIGHT) / 2, BOTTOM + 40, "rules", anchor="middle"),
    ]
    for place, (name, colour, label) in enumerate(SERIES):
        parts += _line([(across.at(row["rules"]), up.at(row[name])) for row in rows], colour)
        parts.append(_text(LEFT + 12 + 220 * place, BOTTOM + 58, f"● {label}", colour=colour))
    return "\n".join([*parts, "</svg>", ""])


def _grid(across: Axis, up: Axis) -> Iterator[str]:
    for tick in across.ticks():
        x = across.at(tick)
        yield f'<path d="M{x:.1f} {TOP}V{BOTTOM}" stroke="{GRID}"/>'
        yield _text(x, BOTTOM + 20, f"{tick:,.0f}", anchor="middle")
    for tick in up.ticks():
        y = up.at(tick)
        yield f'<path d="M{LEFT} {y:.1f}H{RIGHT}" stroke="{GRID}"/>'
        yield _text(LEFT - 8, y + 4, f"{tick:,.0f}", anchor="end")


def _line(points: Sequence[tuple[float, float]], colour: str) -> Iterator[str]:
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    yield f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
    for x, y in points:
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'


def _text(x: float, y: float, text: str, *, anchor: str = "start", colour: str = INK, size: int = 13) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-size="{size}">{text}</text>'


if __name__ == "__main__":
    sys.exit(main())
