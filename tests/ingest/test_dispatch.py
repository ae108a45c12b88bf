import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from ingest.dispatch import Dispatch
from ingest.lines import Parser


def parser(signature: str, module: str = "m", generic: bool = False, fallback: bool = False) -> Parser:
    return Parser(module, f"{module}.d", signature=signature, generic=generic, fallback=fallback)


PARSERS = {
    "zeta": Parser("m", "m.zeta", programs=("app", "other"), signature="z"),
    "beta": parser(r"a[bc]", module="product"),
    "alpha": parser(r".*c"),
    "common": parser("a", generic=True),
    "words": parser("", fallback=True),
}


def asked(messages: list[str | None], hints: str = "") -> list[list[str]]:
    """The parsers that each message is shown to, in order."""
    order: list[list[str]] = [[] for _ in messages]
    column = pa.array(messages, pa.string())
    for name, rows in Dispatch(PARSERS).by_signature(column, pa.array([hints] * len(messages))):
        for row in rows:
            order[row].append(name)
    return order


def test_file_names_then_generic_forms() -> None:
    assert asked(["abc", "ab", "xc", "z", "q", None, ""]) == [
        ["alpha", "beta", "common"],
        ["beta", "common"],
        ["alpha"],
        ["zeta"],
        [],
        [],
        [],
    ]


def test_the_registers_hints_come_first() -> None:
    assert asked(["abc"], "nginx beta") == [["beta", "alpha", "common"]]
    assert asked(["abc"], "product") == [["beta", "alpha", "common"]]
    assert asked(["abc"], "common") == [["common", "alpha", "beta"]]


def test_rows_of_a_program() -> None:
    chosen = Dispatch(PARSERS)
    found = {name: rows.tolist() for name, rows in chosen.by_program(pa.array(["app", None, "none", "other"]))}
    assert found == {"zeta": [0, 3]}
    assert chosen.programs.to_pylist() == ["app", "other"]
    assert chosen.fallbacks() == ["words"]


@given(st.lists(st.none() | st.text(alphabet="abcz\n\xe9", max_size=6), max_size=8))
def test_all_signatures_at_once_are_as_each_by_itself(messages: list[str | None]) -> None:
    import re

    signed = {name: parser.signature for name, parser in PARSERS.items() if parser.signature}
    for message, names in zip(messages, asked(messages), strict=True):
        plain = {name for name, signature in signed.items() if message and re.match(f"(?s){signature}", message)}
        assert set(names) == plain
