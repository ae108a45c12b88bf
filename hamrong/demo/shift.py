"""shift: two analysts work through a third of the day's alerts, so that the boards show how alerts are handled.

In:   ids of alerts in OpenSearch
Out:  some assigned, some acknowledged, some closed with each verdict, by the same desk as on the alert page
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import cycle

from opensearchpy import OpenSearch

from triage.desk import Desk
from triage.life import VERDICTS, Change

ANALYSTS = ("lan", "minh")
ONE_OF = 3
"""The others stay as they came, for whoever looks at the queue."""


def plan(identities: Iterable[str]) -> Iterator[tuple[str, str, tuple[Change, ...]]]:
    """Alert, analyst and what is done, in that order; each kind of work comes in turn."""
    chosen = sorted(identities)[::ONE_OF]
    closings = (Change("close", verdict) for verdict in VERDICTS if verdict != "duplicate")
    works = ((), *((closing,) for closing in closings))
    for identity, who, work in zip(chosen, cycle(ANALYSTS), cycle(works)):
        yield identity, who, (Change("assign", who), Change("acknowledge"), *work)


def work(client: OpenSearch, alias: str, identities: Iterable[str]) -> None:
    desk = Desk(client, alias)
    for identity, who, changes in plan(identities):
        seen = desk.read(identity).revision
        for change in changes:
            seen = desk.change(identity, change, who, seen).revision
