"""correlate: what a flooded group costs a correlation, against an ordinary one.

In:   occurrences of one group, made here
Out:  a table, one row a kind of correlation: CPU of a micro-batch

    python -m bench.correlate

Each step is what Spark's state asks for: read the state, take in what came, write the state. *Ordinary* is a group of
ten occurrences that gets one more; *flooded* is one that holds as many as are kept (`correlate.MAX_OCCURRENCES`), which
first gets one more, then a hundred at once. Windows hold all that is kept; those that are judged at their end a half of
it, since such a correlation looks back twice.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import orjson

from detectors.sigma.correlate import MAX_OCCURRENCES, NEVER, State, advance
from detectors.sigma.correlation.point import Occurrence
from detectors.sigma.correlation.spans import closes
from detectors.sigma.rule import Alternative, Condition, Correlation

SECOND = 1_000_000
ORDINARY = 10
BURST = 100


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20, help="of which the mean is told (default 20)")
    steps = parser.parse_args(argv).steps
    heads = ("ordinary ms", "flooded ms", "times", f"{BURST} more ms", "µs each")
    print(f"{'':28}" + "".join(f"{head:>15}" for head in heads))
    for name, correlation in kinds().items():
        ordinary = cost(correlation, ORDINARY, 1, steps * 20)
        flooded, burst = (cost(correlation, MAX_OCCURRENCES, more, steps) for more in (1, BURST))
        row = (f"{ordinary:.3f}", f"{flooded:.1f}", f"{flooded / ordinary:.0f}", f"{burst:.1f}", f"{burst * 10:.0f}")
        print(f"{name:28}" + "".join(f"{value:>15}" for value in row))
    return 0


def kinds() -> dict[str, Correlation]:
    three = ("a", "b", "c")
    base = Correlation(
        id="top",
        title="",
        type="event_count",
        rules=("a",),
        timespan_seconds=2 * MAX_OCCURRENCES,
        conditions=(Condition("gte", ORDINARY),),
    )
    without = (Alternative(("a", "b"), ("c",)),)
    made = {
        "event_count": base,
        "event_count, to an end": replace(base, conditions=(Condition("lte", ORDINARY),)),
        "value_count": replace(base, type="value_count", field=("f",)),
        "value_percentile": replace(base, type="value_percentile", field=("f",), percentile=95),
        "temporal": replace(base, type="temporal", rules=three, conditions=(Condition("gte", 3),)),
        "a and b and not c": replace(base, type="temporal", rules=three, conditions=(), alternatives=without),
        "temporal_ordered": replace(base, type="temporal_ordered", rules=three, conditions=(Condition("gte", 3),)),
        "ordered, 2 of 3": replace(base, type="temporal_ordered", rules=three, conditions=(Condition("gte", 2),)),
        "chain of two": replace(base, rules=("below",), children=(replace(base, id="below"),)),
        "chain of two, ordered": replace(
            base,
            type="temporal_ordered",
            rules=("below", "a"),
            conditions=(Condition("gte", 2),),
            children=(replace(base, id="below"),),
        ),
    }
    half = MAX_OCCURRENCES // 2
    return {name: replace(one, timespan_seconds=half) if closes(one) else one for name, one in made.items()}


def cost(correlation: Correlation, held: int, more: int, steps: int) -> float:
    """Milliseconds of CPU of one step."""
    made = occurrences(correlation)
    before = [next(made) for _ in range(held)]
    state = advance(
        correlation, "[]", advance(correlation, "[]", State(), before, NEVER).state, [], before[-1].at
    ).state
    kept, batch = state.dump(), [next(made) for _ in range(more)]
    began = time.process_time()
    for _ in range(steps):
        advance(correlation, "[]", State.load(kept), batch, batch[-1].at).state.dump()
    return (time.process_time() - began) * 1000 / steps


def occurrences(correlation: Correlation) -> Iterator[Occurrence]:
    """One a second, of all rules in turn, with many different values."""
    paths = [f"below/{rule}" if correlation.children and rule == "below" else rule for rule in correlation.rules]
    paths = [path if path != "below/below" else "below/a" for path in paths]
    number = 0
    while True:
        path, value = paths[number % len(paths)], str(number % 1000 * SECOND)
        if correlation.children:
            value = orjson.dumps([['["x"]', value]] * (path.count("/") + 1)).decode()
        yield Occurrence(number * SECOND, f"gw1-{number:012}", path, value)
        number += 1


if __name__ == "__main__":
    sys.exit(main())
