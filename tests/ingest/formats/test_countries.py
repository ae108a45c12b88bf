import json
import re

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from ingest.formats import countries

TABLE = json.loads(countries.TABLE.read_text(encoding="utf-8"))


def test_a_country_is_known_by_its_names_and_its_code_however_written() -> None:
    column = pa.array(
        ["Viet Nam", "Vietnam", "VN", "vn", "Korea, Republic of", "Congo", "Reserved", "192.0.2.0", "", None]
    )
    assert countries.codes(column).to_pylist() == ["VN", "VN", "VN", "VN", "KR", "CG", None, None, None, None]


def test_no_name_means_two_countries() -> None:
    names = [name for code, called in TABLE.items() for name in (code.lower(), *called)]
    assert len(set(names)) == len(names)
    assert all(name == name.lower().strip() for name in names)
    assert all(re.fullmatch("[A-Z]{2}", code) for code in TABLE)


@given(st.lists(st.none() | st.text(max_size=6), max_size=5))
def test_any_text_is_a_country_or_none(texts: list[str | None]) -> None:
    found = countries.codes(pa.array(texts, pa.string())).to_pylist()
    assert all(code is None or code in TABLE for code in found)
