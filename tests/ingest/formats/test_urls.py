from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.formats import urls


def fields(columns: dict[str, pa.Array]) -> dict[str, Any]:
    return {name.removeprefix("url."): column[0].as_py() for name, column in columns.items() if column[0].is_valid}


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/", {"path": "/"}),
        ("/a/b.php?x=1&y=/c.d#z", {"path": "/a/b.php", "query": "x=1&y=/c.d", "fragment": "z", "extension": "php"}),
        ("/a.b/c", {"path": "/a.b/c"}),
        ("/.git/config", {"path": "/.git/config"}),
        ("*", {"path": "*"}),
        ("//evil.example.org/x", {"path": "//evil.example.org/x"}),
        ("/?u=http://b.example.org/", {"path": "/", "query": "u=http://b.example.org/"}),
        (
            "http://u:p@a.example.org:8080/x.JSP?y",
            {
                "scheme": "http",
                "username": "u",
                "domain": "a.example.org",
                "port": "8080",
                "path": "/x.JSP",
                "query": "y",
                "extension": "JSP",
            },
        ),
        ("http://[2001:db8::1]/", {"scheme": "http", "domain": "[2001:db8::1]", "path": "/"}),
    ],
)
def test_targets(target: str, expected: dict[str, str]) -> None:
    assert fields(urls.split(pa.array([target]))) == expected


def test_authorities() -> None:
    assert fields(urls.authority(pa.array(["a.example.org:443"]))) == {"domain": "a.example.org", "port": "443"}
    assert fields(urls.authority(pa.array(["a.example.org"]))) == {"domain": "a.example.org"}


@given(st.text(max_size=30))
def test_the_parts_of_a_path_put_together_are_the_target(target: str) -> None:
    found = fields(urls.split(pa.array(["/" + target])))
    parts = [found.get("path", ""), "?" + found["query"] if "query" in found else ""]
    parts.append("#" + found["fragment"] if "fragment" in found else "")
    assert "".join(parts).rstrip("?#") == ("/" + target).replace("?#", "#").rstrip("?#")
