"""canaries: firing cases of rules, sent along the live road to see whether they come back.

In:   the cases beside rules, the register, Kafka
Out:  documents in the index `soc-canaries`, and for each rule whether its canary came back or where it was lost

`choose` makes lines of cases, `ask` sends them and looks for what came of them, `road` is what `jobs.detect` and
`jobs.correlate` do with them, `jobs.life_signs` asks now and then while `hamrong run` runs. `beats` sends lines of no
rule, which only tell the time.

A line is a canary's by its id alone (Kafka's header `id`). Whoever sends logs has no say in it: the gateway gives every
line an id that begins with the gateway's own name, and no parser may write `event.id`. So no line can make itself a
canary in order to stay out of the analysts' sight.
"""

from __future__ import annotations

from typing import NamedTuple

PREFIX = "canary/"


class Name(NamedTuple):
    """Which canary."""

    run: str
    """Hexadecimal; one a round."""
    rule: str
    """The id of the rule or correlation that must answer."""

    def line_id(self, number: int) -> str:
        return f"{PREFIX}{self.run}/{number}/{self.rule}"


BEAT = Name("beat", "")
"""Of lines that only say that time goes on."""


def name(event_id: str | None) -> Name | None:
    """The canary that the line of this id is of; None for everybody else's."""
    if not event_id or not event_id.startswith(PREFIX):
        return None
    run, _, rest = event_id.removeprefix(PREFIX).partition("/")
    return Name(run, rest.partition("/")[2])
