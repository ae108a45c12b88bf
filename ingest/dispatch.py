"""dispatch: which parser is asked about which message, and in what order.

In:   the parsers, and of each row its program, its message and its source's hints
Out:  rounds of (parser, rows); a row that one parser takes is shown to no other
Docs: RE2, RE2::Set

The order is fixed: first the parsers of the row's program; then those whose `signature` the message begins with, of
which the register's hints come before the others and those of one product before generic forms; last, unless a parser
of its program has refused it, the fallbacks. Within each, the order of their file names. All signatures are one
automaton, so a message is read once however many parsers there are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import re2

from ingest.columns import Rows
from ingest.event import TEXT
from ingest.lines import Parser

MEMORY = 64 << 20
"""For the automaton's states; it forgets and rebuilds them when they are more."""

Offers = Iterator[tuple[str, Rows]]


class Dispatch:
    """Chooses among `parsers`, which are named by their files."""

    def __init__(self, parsers: Mapping[str, Parser]) -> None:
        self.parsers = dict(sorted(parsers.items(), key=lambda item: (item[1].generic, item[0])))
        self.programs = pa.array(sorted({name for parser in parsers.values() for name in parser.programs}), TEXT)
        self._signed = [name for name, parser in self.parsers.items() if parser.signature]
        options = re2.Options()
        options.max_mem = MEMORY
        self._signatures = re2.Set.MatchSet(options)
        for name in self._signed:
            self._signatures.Add(f"(?s)(?:{self.parsers[name].signature})")
        self._signatures.Compile()

    def by_program(self, program: pa.Array) -> Offers:
        """The rows of each parser's programs."""
        distinct = program.dictionary_encode()
        codes = distinct.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        places = {name: code for code, name in enumerate(distinct.dictionary.to_pylist())}
        for name, parser in self.parsers.items():
            mine = [places[program] for program in parser.programs if program in places]
            if mine:
                yield name, np.flatnonzero(np.isin(codes, mine))

    def fallbacks(self) -> list[str]:
        return [name for name, parser in self.parsers.items() if parser.fallback]

    def by_signature(self, messages: pa.Array, hints: pa.Array) -> Offers:
        """The rows of each parser whose signature their messages begin with: first everybody's first choice."""
        rows_of: defaultdict[tuple[tuple[int, ...], str], list[int]] = defaultdict(list)
        match = self._signatures._set.Match
        texts = messages.cast(pa.binary()).to_pylist()
        for row, (text, hint) in enumerate(zip(texts, hints.to_pylist(), strict=True)):
            if text and (found := match(text)):
                rows_of[tuple(found), hint].append(row)
        rounds: defaultdict[tuple[int, str], list[int]] = defaultdict(list)
        for (found, hint), rows in rows_of.items():
            for number, name in enumerate(self._ordered(found, hint)):
                rounds[number, name] += rows
        for (_, name), rows in sorted(rounds.items()):
            yield name, np.array(sorted(rows), dtype=np.int64)

    def _ordered(self, found: tuple[int, ...], hint: str) -> list[str]:
        hinted = set(hint.split())
        names = [self._signed[number] for number in sorted(found)]
        return sorted(names, key=lambda name: not hinted & {name, self.parsers[name].module})
