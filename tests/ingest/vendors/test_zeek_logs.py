import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.vendors.zeek_logs import LOGS

SAMPLES = {
    "connection": {"conn_state", "proto", "uid"},
    "dns": {"trans_id", "query", "qtype", "proto"},
    "http": {"trans_depth", "method", "host", "uri"},
    "smtp": {"trans_depth", "helo", "mailfrom", "path"},
    "sip": {"trans_depth", "call_id", "method", "uri", "request_body_len"},
    "ssl": {"version", "cipher", "established", "resumed"},
    "kerberos": {"request_type", "client", "service", "success", "cipher"},
    "ssh": {"version", "auth_success", "auth_attempts", "cipher_alg"},
    "files": {"fuid", "tx_hosts", "rx_hosts", "source", "duration"},
    "smb_files": {"fuid", "action", "path", "name", "size", "times.modified"},
    "smb_mapping": {"path", "share_type"},
    "notice": {"note", "msg", "src", "proto"},
    "weird": {"name", "notice", "peer"},
    "ntlm": {"username", "hostname", "domainname", "success"},
    "traceroute": {"src", "dst", "proto"},
}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_log_is_known_by_its_keys(name: str) -> None:
    document = dict.fromkeys(SAMPLES[name], 1)
    assert next(log.name for log in LOGS if log.has(document)) == name


def test_names_are_distinct() -> None:
    assert len({log.name for log in LOGS}) == len(LOGS)


@given(st.dictionaries(st.text(), st.none()))
def test_any_object_is_one_log_or_none(document: dict[str, None]) -> None:
    assert sum(log.has(document) for log in LOGS) <= len(LOGS)
