import pytest
import re2

from ingest.messages import known_parsers
from ingest.patterns import atoms


@pytest.mark.parametrize(
    ("pattern", "texts", "literals"),
    [
        ("ab", ["a", "b"], [1, 1]),
        (r"a\.b+", ["a", r"\.", "b+"], [1, 1, 1]),
        (r"(?P<user__name>[^)\]]+) from", ["(?P<user__name>[^)\\]]+)", " ", "f", "r", "o", "m"], [0, 1, 1, 1, 1, 1]),
        (r"x(?:ab)?[a\]b]{2,3}?\x{FEFF}", ["x", "(?:ab)?", r"[a\]b]{2,3}?", r"\x{FEFF}"], [1, 0, 0, 0]),
        (r"(?:ab|c)d", ["(?:ab|c)", "d"], [0, 1]),
        (r"(?:a(?:b)c)", ["(?:a(?:b)c)"], [3]),
        ("a|b", ["(?:a|b)"], [0]),
        ("", [], []),
    ],
)
def test_parts(pattern: str, texts: list[str], literals: list[int]) -> None:
    assert [atom.text for atom in atoms(pattern)] == texts
    assert [atom.literal for atom in atoms(pattern)] == literals


def test_every_beginning_of_every_parsers_pattern_is_an_expression() -> None:
    for parser in known_parsers():
        for line in parser.lines:
            parts = atoms(line.pattern)
            if len(parts) > 1:
                assert "".join(part.text for part in parts) == line.pattern
            for end in range(0, len(parts) + 1, 5):
                re2.compile("".join(part.text for part in parts[:end]))
