import pyarrow as pa
import pytest

from ingest.event import TEXT
from ingest.formats import web_requests


def complete(**columns: str | None) -> dict[str, object]:
    names = ("url.original", "url.domain", "url.port", "url.scheme", "http.request.method", "http.response.status_code")
    given = {name.replace("__", "."): value for name, value in columns.items()}
    found = web_requests.complete({name: pa.array([given.get(name)], TEXT) for name in names})
    return {name: column.to_pylist()[0] for name, column in found.items() if column.is_valid().to_pylist()[0]}


@pytest.mark.parametrize(
    ("status", "outcome", "kinds"),
    [
        ("200", "success", ["access"]),
        ("399", "success", ["access"]),
        ("400", "failure", ["access", "error"]),
        (None, None, ["access"]),
    ],
)
def test_outcome_by_status(status: str | None, outcome: str | None, kinds: list[str]) -> None:
    found = complete(http__response__status_code=status)
    assert found.get("event.outcome") == outcome
    assert found["event.type"] == kinds


def test_the_host_that_the_server_names_goes_before_the_targets() -> None:
    found = complete(url__original="http://other.example.org:1/a?b", url__domain="dvc.example.org:8443")
    assert (found["url.domain"], found["url.port"], found["url.path"]) == ("dvc.example.org", "8443", "/a")


def test_connect_has_a_host_for_a_target() -> None:
    found = complete(url__original="dvc.example.org:443", http__request__method="CONNECT")
    assert (found["url.domain"], found["url.port"]) == ("dvc.example.org", "443")
    assert "url.path" not in found
