import pyarrow as pa
import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from ingest.claims import Pattern, catch, claim
from ingest.event import MAP
from ingest.lines import Context, Line, Parser

EXPRESSIONS = [
    r"Accepted (?P<a>\w+)",
    r"Accepted (?P<a>.*)",
    r"(?P<a>x+)",
    r"(?:Accept|Failed) ?(?P<a>\d*)",
    r"Đăng nhập (?P<a>.*)",
    r"a?b(?P<a>)",
]


def context(rows: int) -> Context:
    text = pa.nulls(rows, pa.string())
    return Context(text, text, pa.nulls(rows, pa.timestamp("us", tz="UTC")), text, text, text, pa.nulls(rows, MAP))


@pytest.mark.parametrize(
    ("expression", "prefix"),
    [
        (r"Accepted (?P<a>\S+) for", "Accepted "),
        (r"\[pid (?P<a>[0-9]+)\]", "[pid "),
        (r"Failed|Failure", "Fail"),
        (r"a|b", ""),
        (r"(?P<a>.*)", ""),
        (r"colou?r", "colo"),
        (r"Đăng (?P<a>.*)", "Đăng "),
        (r"(?i)accepted", ""),
    ],
)
def test_the_prefix_is_what_every_match_begins_with(expression: str, prefix: str) -> None:
    assert Pattern(expression).prefix == prefix


messages = st.lists(
    st.none()
    | st.text(max_size=8)
    | st.text(alphabet="Acepted xF\0\nậ", max_size=8)
    | st.sampled_from(
        ["Accepted", "Accepted x", "Accepted x y", "xx", "Failed", "Failed 12", "Đăng nhập ở", "ab", "b", "Accept"]
    ),
    max_size=12,
)


@given(messages, st.permutations(EXPRESSIONS), st.integers(1, len(EXPRESSIONS)), st.sampled_from([1, 20, 200]))
def test_each_message_goes_to_the_first_pattern_that_matches_it_whole(
    texts: list[str | None], order: list[str], kinds: int, times: int
) -> None:
    """By itself in Python, pattern after pattern in Arrow, or by one automaton: that depends on their numbers."""
    patterns = [Pattern(expression) for expression in order[:kinds]]
    texts = texts * times
    found: dict[int, tuple[int, str]] = {}
    for number, rows, groups in claim(pa.array(texts, pa.string()), patterns):
        for row, caught in zip(rows.tolist(), groups.field("a").to_pylist(), strict=True):
            assert row not in found
            found[row] = (number, caught)
    plain: dict[int, tuple[int, str]] = {}
    for row, text in enumerate(texts):
        for number, pattern in enumerate(patterns):
            if text is not None and (match := re2.fullmatch(pattern.regex, text)):
                plain[row] = (number, match["a"] or "")
                break
    assert found == plain
    together: dict[int, tuple[int, str | None]] = {}
    for numbers, rows, columns in catch(pa.array(texts, pa.string()), patterns):
        caught = columns["a"].to_pylist()
        together |= dict(zip(rows.tolist(), zip(numbers.tolist(), caught, strict=True), strict=True))
    assert together == {row: (number, text or None) for row, (number, text) in plain.items()}


def test_a_line_gives_its_constants_and_its_groups() -> None:
    parser = Parser(
        "m",
        "m.d",
        lines=(
            Line(r"in (?P<user__name>\w+)", action="login", category=("authentication",), outcome="success"),
            Line(r"out(?: (?P<user__name>.+))?", action="logout", fields={"event.reason": "asked"}),
        ),
    )
    rows, columns = parser.parse(pa.array(["out", "in An", "?", "out Bình"]), context(4))
    place = rows.tolist().index

    def at(row: int) -> dict[str, object]:
        values = {name: column[place(row)].as_py() for name, column in columns.items()}
        return {name: value for name, value in values.items() if value is not None}

    assert sorted(rows.tolist()) == [0, 1, 3]
    assert at(0) == {"event.action": "logout", "event.reason": "asked"}
    assert at(1) == {
        "event.action": "login",
        "event.category": ["authentication"],
        "event.outcome": "success",
        "user.name": "An",
    }
    assert at(3) == {"event.action": "logout", "event.reason": "asked", "user.name": "Bình"}


def test_finish_sees_missing_columns_as_null_and_its_private_groups() -> None:
    def finish(columns: dict[str, pa.Array], context: Context) -> dict[str, pa.Array]:
        assert columns["user.name"].null_count == len(context.zone) == 1
        return {"event.reason": columns["_why"]}

    parser = Parser("m", "m.d", lines=(Line(r"no: (?P<_why>.*)"),), finish=finish)
    rows, columns = parser.parse(pa.array(["yes", "no: tired"]), context(2))
    assert rows.tolist() == [1]
    assert columns["event.reason"].to_pylist() == ["tired"]
    assert "_why" not in columns
