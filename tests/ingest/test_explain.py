import datetime

import pytest

from ingest import files
from ingest.explain import Explanation, explain
from ingest.sources import Register, System

RECEIVED = datetime.datetime(2026, 3, 5, 2, 0, tzinfo=datetime.UTC)
PORTAL = System("portal", "Cổng", "Portal", "Văn phòng", "Office", parsers=("nginx",))


def explained(line: bytes, register: Register | None = None) -> Explanation:
    return explain(files.batch([line], RECEIVED, "test"), register or Register((PORTAL,)).always("portal"))


def test_each_field_has_its_origin() -> None:
    found = explained(b"<38>Mar  5 08:15:02 h sshd[1]: Failed password for root from 203.0.113.7 port 9 ssh2")
    # Junos has an sshd of its own, that says all in structured data.
    assert (found.parser, found.asked, found.nearest) == ("sshd", ("juniper", "sshd"), None)
    assert found.line
    origins = {origin.field: (origin.value, origin.step, origin.detail) for origin in found.origins}
    assert origins["event.kind"] == ("event", "line", "")
    assert origins["@timestamp"] == ("2026-03-05T01:15:02.000Z", "header", "")
    assert origins["host.name"] == ("h", "header", "")
    assert origins["user.name"] == ("root", "parser", "group user__name")
    assert origins["source.port"] == (9, "parser", "group source__port")
    assert origins["event.action"] == ("ssh-login", "parser", "constant of the line")
    assert origins["service.name"] == ("portal", "register", "")
    assert origins["source.ip"] == ("203.0.113.7", "derived", "")


def test_it_tells_what_parse_gives() -> None:
    from ingest.event import to_documents
    from ingest.parse import parse

    raw = files.batch([b'203.0.113.1 - - [05/Mar/2026:08:15:02 +0700] "GET /a HTTP/1.1" 404 1'], RECEIVED, "test")
    register = Register((PORTAL,)).always("portal")
    found = explain(raw, register)
    assert {origin.field: origin.value for origin in found.origins} == to_documents(parse(raw, register))[0]
    assert found.parser == "web_access"


def test_the_nearest_pattern_of_the_programs_parser_is_named() -> None:
    found = explained(b"Mar  5 08:15:02 h sshd[1]: Failed password for root at 203.0.113.7 port 9 ssh2")
    assert (found.parser, found.line) == (None, None)
    assert found.nearest
    assert found.nearest.parser == "sshd"
    assert found.nearest.matched.startswith("Failed password for root")
    assert found.nearest.expected.lstrip(" ").startswith("from ")


@pytest.mark.slow
@pytest.mark.parametrize("line", [b"", b"\xff", b"\x00" * 5, b"Mar  5 08:15:02 h zz[1]: \xe1\xba\xa1", b"{" * 200])
def test_no_line_is_too_odd_to_be_explained(line: bytes) -> None:
    found = explained(line)
    assert found.parser is None
    assert found.sentences()[0].endswith("none took it")
