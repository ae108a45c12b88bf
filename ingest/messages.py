"""messages: gives every message of a batch to the parser that knows it.

In:   the messages behind the syslog headers, and what is known of their rows
Out:  the parsers' columns in the sheet, and which rows were taken

A parser that raises, which is a defect, costs only the line that it raised on: its rows are halved until that is found.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import pyarrow as pa

from ingest import parsers
from ingest.claims import Pattern, captured, claim
from ingest.columns import Mask, Rows, Sheet, is_valid
from ingest.dispatch import Dispatch
from ingest.lines import Context, Parser

DEFECTS = (
    pa.ArrowException,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What faulty code raises on data; a lack of memory or an interrupt is not about the line."""

Asked = Callable[[str, Parser, pa.Array, Rows], None]
"""Is told the name of a parser, the parser, the messages that it was shown, and which of them it took."""

REPEATED = (
    Pattern(r"message repeated (?P<count>[0-9]+) times: \[ ?(?P<inner>.*)\]"),
    Pattern(r"last message repeated (?P<count>[0-9]+) times?(?: ---)?"),
    Pattern(r"--- last message repeated (?P<count>[0-9]+) times?(?: ---)?"),
)
"""Each begins with plain text, so that all but a few messages are passed over without a match."""


@lru_cache
def dispatch() -> Dispatch:
    """Of the PARSER of every module in `ingest.parsers`."""
    names = [module.name for module in pkgutil.iter_modules(parsers.__path__)]
    return Dispatch({name: importlib.import_module(f"{parsers.__name__}.{name}").PARSER for name in names})


def known_parsers() -> tuple[Parser, ...]:
    """Every parser, by module name."""
    found = dispatch().parsers
    return tuple(found[name] for name in sorted(found))


def parse(sheet: Sheet, messages: pa.Array, context: Context, whole: Mask, asked: Asked | None = None) -> Mask:
    """Gives each message to its parser; returns which rows one has taken.

    Fallbacks are asked about what no other parser took, if no program's parser knows better and the header is `whole`.
    """
    offers = _Offers(sheet, messages, context, asked)
    chosen = dispatch()
    of_program = list(chosen.by_program(offers.context.program))
    for name, rows in of_program:
        offers.offer(name, chosen.parsers[name], rows)
    left = np.flatnonzero(~offers.taken)
    for_fallbacks = ~offers.asked & whole
    at = pa.array(left)
    for name, rows in chosen.by_signature(offers.messages.take(at), offers.context.hints.take(at)):
        offers.offer(name, chosen.parsers[name], left[rows])
    for name in chosen.fallbacks():
        offers.offer(name, chosen.parsers[name], np.flatnonzero(for_fallbacks))
        offers.supplement(chosen.parsers[name], np.flatnonzero(for_fallbacks & offers.generic))
    for name, rows in of_program:
        parser = chosen.parsers[name]
        label(offers.sheet, parser.module, parser.dataset, rows[~offers.taken[rows]])
    return offers.taken


class _Offers:
    """The messages of a batch, and which of them a parser has taken."""

    def __init__(self, sheet: Sheet, messages: pa.Array, context: Context, asked: Asked | None) -> None:
        self.sheet = sheet
        self.messages = _unrepeated(sheet, messages)
        self.context = context
        self.taken = np.zeros(len(messages), dtype=np.bool_)
        self.asked = np.zeros(len(messages), dtype=np.bool_)
        """Which rows some parser was asked about."""
        self.generic = np.zeros(len(messages), dtype=np.bool_)
        """Which rows a generic form has taken."""
        self._tell = asked

    def offer(self, name: str, parser: Parser, rows: Rows) -> None:
        """Shows the parser those of the rows that are still free."""
        rows = rows[~self.taken[rows]]
        if not len(rows):
            return
        self.asked[rows] = True
        messages = self.messages.take(pa.array(rows))
        try:
            known, columns = parser.parse(messages, self.context.take(rows))
        except DEFECTS as error:
            self._halve(name, parser, rows, error)
            return
        if self._tell:
            self._tell(name, parser, messages, known)
        rows = rows[known]
        if len(rows):
            self.taken[rows] = True
            self.generic[rows] = parser.generic
            label(self.sheet, parser.module, parser.dataset, rows)
            self.sheet.put(columns, rows)

    def supplement(self, parser: Parser, rows: Rows) -> None:
        """Fills what a parser of a generic form left open in rows that it took."""
        rows = rows[~is_valid(self.sheet.column("event.category"))[rows]]
        if not len(rows):
            return
        known, columns = parser.parse(self.messages.take(pa.array(rows)), self.context.take(rows))
        rows = rows[known]
        for name, column in columns.items():
            open_rows = ~is_valid(self.sheet.column(name))[rows]
            self.sheet.put({name: column.filter(pa.array(open_rows))}, rows[open_rows])

    def _halve(self, name: str, parser: Parser, rows: Rows, error: BaseException) -> None:
        """Shows the parser the halves by themselves, so that only the line that it raised on is lost to it."""
        if len(rows) == 1:
            self.taken[rows] = True
            fail(self.sheet, rows, pa.array([failure(error)]))
            return
        for part in np.array_split(rows, 2):
            self.offer(name, parser, part)


def _unrepeated(sheet: Sheet, messages: pa.Array) -> pa.Array:
    """The message inside rsyslog's `message repeated 3 times: [ ... ]`; the count is kept, as of `last message`."""
    inner = Sheet(len(messages))
    inner.put({"message": messages})
    for _, rows, groups in claim(messages, REPEATED):
        columns = captured(groups)
        sheet.put({"log.syslog.repeated": columns.pop("count")}, rows)
        if "inner" in columns:
            inner.put({"message": columns["inner"]}, rows)
    return inner.column("message")


def failure(error: BaseException) -> str:
    return f"a parser failed: {type(error).__name__}: {error}"


def label(sheet: Sheet, module: str, dataset: str, rows: Rows) -> None:
    names = {"event.module": module, "event.dataset": dataset}
    sheet.put({field: pa.repeat(pa.scalar(name), len(rows)) for field, name in names.items()}, rows)


def fail(sheet: Sheet, rows: Rows, reasons: pa.Array) -> None:
    sheet.put({"event.kind": pa.repeat(pa.scalar("pipeline_error"), len(rows)), "error.message": reasons}, rows)
