"""desk: one alert as an analyst reads and changes it.

In:   an alert's id; a `Change` and the revision that the analyst saw
Out:  the alert as it stands; its new state in OpenSearch
Docs: OpenSearch optimistic concurrency (`if_seq_no`); docs/decisions/0011-triage.md

Promise: no change is lost and none is made blindly. The pipeline may grow the alert meanwhile: that is no conflict, and
the change is tried again on what it made. Another analyst's change is one, and is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from opensearchpy import ConflictError, NotFoundError, OpenSearch

from triage import life
from triage.words import SpokenError

TRIES = 10
"""Of a change while the pipeline keeps growing the alert; it writes one at most each second."""


@dataclass(frozen=True)
class Stored:
    """A document as it stands."""

    index: str
    source: dict[str, Any]
    seq_no: int
    primary_term: int

    @property
    def alert(self) -> dict[str, Any]:
        alert: dict[str, Any] = self.source["soc"]["alert"]
        return alert

    @property
    def revision(self) -> int:
        return life.revision(self.alert)


class UnknownAlertError(SpokenError):
    """No alert has this id."""

    def __init__(self, identity: str) -> None:
        super().__init__(f"không có cảnh báo nào mang mã '{identity}'", f"no alert has the id '{identity}'")


class ChangedMeanwhileError(SpokenError):
    """Another analyst was first; nothing was written."""

    def __init__(self, stored: Stored, seen: int) -> None:
        self.stored = stored
        self.since: Sequence[dict[str, Any]] = (stored.alert.get("history") or [])[seen:]
        """What the others did."""
        who = ", ".join(sorted({entry["who"] for entry in self.since}))
        super().__init__(f"cảnh báo vừa được {who} thay đổi", f"the alert was changed by {who}")


class Desk:
    def __init__(self, client: OpenSearch, alias: str) -> None:
        self._client = client
        self._alias = alias

    def read(self, identity: str) -> Stored:
        """What stands now, also what was written a moment ago. Raises UnknownAlertError."""
        found = self._client.search(
            index=self._alias, body={"query": {"ids": {"values": [identity]}}, "size": 1, "_source": False}
        )["hits"]["hits"]
        if not found:
            raise UnknownAlertError(identity)
        return self._get(found[0]["_index"], identity)

    def _get(self, index: str, identity: str) -> Stored:
        try:
            got = self._client.get(index=index, id=identity)
        except NotFoundError as error:
            raise UnknownAlertError(identity) from error
        return Stored(index, got["_source"], got["_seq_no"], got["_primary_term"])

    def change(self, identity: str, wanted: life.Change, who: str, seen: int, now: datetime | None = None) -> Stored:
        """Writes it, and returns the alert as it is then. `seen` is the revision that the analyst acted on.

        Raises RefusedChangeError, UnknownAlertError, and ChangedMeanwhileError when an analyst was first.
        """
        stored = self.read(identity)
        for _ in range(TRIES):
            if stored.revision != seen:
                raise ChangedMeanwhileError(stored, seen)
            new = life.change(stored.alert, wanted, who, now or datetime.now(UTC))
            try:
                self._client.update(
                    index=stored.index,
                    id=identity,
                    body={"doc": {"soc": {"alert": new}}},
                    if_seq_no=stored.seq_no,
                    if_primary_term=stored.primary_term,
                    refresh="true",
                )
            except ConflictError:
                stored = self._get(stored.index, identity)
            else:
                return self._get(stored.index, identity)
        raise SpokenError(
            "cảnh báo đang tăng quá nhanh nên chưa đổi được; hãy thử lại",
            f"the alert {identity} grows too fast to be changed; try again",
        )
