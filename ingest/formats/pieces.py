"""pieces: columns that were read of some rows each, put together.

In:   columns with the rows that they are of
Out:  the columns of all rows
"""

from __future__ import annotations

from collections.abc import Iterable

from ingest.columns import Rows, Sheet
from ingest.event import Columns


def joined(rows: int, pieces: Iterable[tuple[Rows, Columns]]) -> Columns:
    """Of two values for one field and row the later stands; null where no piece has one."""
    sheet = Sheet(rows)
    names: dict[str, None] = {}
    for at, columns in pieces:
        sheet.put(columns, at)
        names |= dict.fromkeys(columns)
    return {name: sheet.column(name) for name in names if sheet.has(name)}
