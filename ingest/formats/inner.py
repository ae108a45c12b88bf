"""inner: a message inside a message, as a database or an application server writes it behind a header of its own.

In:   a column of inner messages and their lines
Out:  the columns that the lines catch, of every row, null where no line fits
"""

from __future__ import annotations

import pyarrow as pa

from ingest.columns import Sheet
from ingest.event import Columns
from ingest.lines import Context, Parser


def columns_of(messages: pa.Array, parser: Parser, context: Context) -> Columns:
    rows, columns = parser.parse(messages, context)
    sheet = Sheet(len(messages))
    sheet.put(columns, rows)
    return {name: sheet.column(name) for name in columns}
