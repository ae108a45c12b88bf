import itertools
import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import syslog

DEFAULT = dict.fromkeys((*syslog.COLUMNS, "structured_data"))


PROGRAMS = pa.array(["kernel", "sshd"])


def read(line: str) -> dict[str, object]:
    headers = syslog.read(pa.array([line]), PROGRAMS)
    columns = {name: getattr(headers, name)[0].as_py() for name in DEFAULT}
    return {"form": int(headers.form[0])} | {name: value for name, value in columns.items() if value is not None}


BSD = {"form": syslog.RFC3164, "bsd": "Mar  5 08:15:02"}
ISO = {"form": syslog.RFC3164, "iso": "2026-03-05T08:15:02.113+07:00"}
NEW = {"form": syslog.RFC5424, "version": "1", "priority": "34"}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "<34>Mar  5 08:15:02 web1 sshd[12]: hello",
            BSD | {"priority": "34", "host": "web1", "program": "sshd", "procid": "12", "message": "hello"},
        ),
        ("Mar  5 08:15:02 web1 sshd: hello", BSD | {"host": "web1", "program": "sshd", "message": "hello"}),
        (
            "Mar  5 08:15:02 web1 sshd[12]:hello",
            BSD | {"host": "web1", "program": "sshd", "procid": "12", "message": "hello"},
        ),
        (
            "<13>Mar  5 08:15:02 sshd[12]: error: no host",
            BSD | {"priority": "13", "program": "sshd", "procid": "12", "message": "error: no host"},
        ),
        ("Mar  5 08:15:02 su: a: b", BSD | {"program": "su", "message": "a: b"}),
        (
            "Mar  5 08:15:02 web1 postfix/smtpd[9]: x",
            BSD | {"host": "web1", "program": "postfix/smtpd", "procid": "9", "message": "x"},
        ),
        (
            "Mar  5 08:15:02 web1 (systemd)[1-a]: x",
            BSD | {"host": "web1", "program": "(systemd)", "procid": "1-a", "message": "x"},
        ),
        (
            "Mar  5 08:15:02 2001:db8::7 sshd[1]: x",
            BSD | {"host": "2001:db8::7", "program": "sshd", "procid": "1", "message": "x"},
        ),
        ("Mar  5 08:15:02 192.0.2.7 no tag here", BSD | {"host": "192.0.2.7", "message": "no tag here"}),
        ('Mar  5 08:15:02 web1 {"a": 1}', BSD | {"host": "web1", "message": '{"a": 1}'}),
        ("Mar  5 08:15:02 web1 2001:db8::1 - - [x] y", BSD | {"host": "web1", "message": "2001:db8::1 - - [x] y"}),
        # A container's line, whose first words are no header's, behind the stamp of its runtime.
        ("2026-03-05T08:15:02.113+07:00 stdout F web1 sshd[12]: a", ISO | {"message": "web1 sshd[12]: a"}),
        ("2026-03-05T08:15:02.113+07:00 stderr P:x [error] b", ISO | {"message": "[error] b"}),
        ("2026-03-05T08:15:02.113+07:00 stdout F ", ISO),
        ("2026-03-05T08:15:02.113+07:00 stdout G x", ISO | {"host": "stdout", "message": "G x"}),
        ("Mar  5 08:15:02 last message repeated 3 times", BSD | {"message": "last message repeated 3 times"}),
        (
            "2026-03-05T08:15:02.113+07:00 web1 cron[1]: x",
            ISO | {"host": "web1", "program": "cron", "procid": "1", "message": "x"},
        ),
        ("<13>2026-03-05T08:15:02.113+07:00 web1 cron: ", ISO | {"priority": "13", "host": "web1", "program": "cron"}),
        (
            "Mar  5 2026 08:15:02 fw1 x: y",
            {"form": syslog.RFC3164, "bsd": "Mar  5 2026 08:15:02", "host": "fw1", "program": "x", "message": "y"},
        ),
        (
            "<189>45: *Mar  5 08:15:02.123: %SYS-5-CONFIG_I: done",
            {
                "form": syslog.RFC3164,
                "priority": "189",
                "msgid": "45",
                "bsd": "Mar  5 08:15:02.123",
                "message": "%SYS-5-CONFIG_I: done",
            },
        ),
        ("<13>no: stamp", {"form": syslog.BARE, "priority": "13", "message": "no: stamp"}),
        (
            "<13>app[7]: no stamp",
            {"form": syslog.RFC3164, "priority": "13", "program": "app", "procid": "7", "message": "no stamp"},
        ),
        ("<192>Mar  5 08:15:02 web1 x: y", {"form": syslog.BARE, "message": "<192>Mar  5 08:15:02 web1 x: y"}),
        ("203.0.113.1 - - [05/Mar/2026] x", {"form": syslog.BARE, "message": "203.0.113.1 - - [05/Mar/2026] x"}),
        (
            "2026-03-05 08:15:02 INFO app started",
            {"form": syslog.BARE, "message": "2026-03-05 08:15:02 INFO app started"},
        ),
        ("", {"form": syslog.BARE, "message": ""}),
        (
            "<34>1 2026-03-05T08:15:02Z h app 12 ID47 - hello",
            NEW
            | {
                "iso": "2026-03-05T08:15:02Z",
                "host": "h",
                "program": "app",
                "procid": "12",
                "msgid": "ID47",
                "message": "hello",
            },
        ),
        ("<34>1 - - - - - -", NEW),
        ("<34>1 - - - - - - \ufeffChào", NEW | {"message": "Chào"}),
        ("<34>1 - - - - - - two\nlines", NEW | {"message": "two\nlines"}),
        (
            '<34>1 - - - - - [a@1 x="1" y=""][b] m',
            NEW | {"structured_data": [("a@1.x", "1"), ("a@1.y", ""), ("b", "")], "message": "m"},
        ),
        (r'<34>1 - - - - - [a x="\"\\\]n"]', NEW | {"structured_data": [("a.x", r'"\]n')]}),
        (
            "<34>1 2026-03-05T08:15:02Z h app",
            NEW | {"form": syslog.BROKEN, "iso": "2026-03-05T08:15:02Z", "host": "h", "program": "app"},
        ),
        ("<34>1 - h\nost - - - -", NEW | {"form": syslog.BROKEN, "message": "h\nost - - - -"}),
        ("<34>1 - - - - - [a][a]", NEW | {"form": syslog.BROKEN}),
        ('<34>1 - - - - - [a x="]"] m', NEW | {"form": syslog.BROKEN, "message": '[a x="]"] m'}),
        (
            r'<34>1 - h - - - [a x="C:\t"] m',
            NEW | {"form": syslog.BROKEN, "host": "h", "structured_data": [("a.x", r"C:\t")], "message": "m"},
        ),
        (f"<34>1 - - {'a' * 49} - - -", NEW | {"form": syslog.BROKEN, "program": "a" * 49}),
    ],
)
def test_headers(line: str, expected: dict[str, object]) -> None:
    assert read(line) == expected


def test_null_stays_null() -> None:
    headers = syslog.read(pa.array([None], pa.string()))
    assert headers.message.to_pylist() == [None]
    assert int(headers.form[0]) == syslog.BARE


# What real devices write before their message: line, host, stamp, zone, program, PID, message.
DEVICES = [
    ("<189>123: r1: *Mar  1 18:46:11.123 UTC: %SYS-5-CONFIG_I: x", "r1", "Mar  1 18:46:11.123", "+00:00", None, None),
    ("<189>9: 10: r1: Mar  1 2019 18:46:11.123 VN: %SYS-5-X: x", "r1", "Mar  1 2019 18:46:11.123", None, None, None),
    ("<189>9: .Mar  1 18:46:11: %SYS-5-X: x", None, "Mar  1 18:46:11", None, None, None),
    ("<189>: 2019 Jul 26 02:19:17 UTC: %DAEMON-5-X: y", None, "Jul 26 02:19:17 2019", "+00:00", None, None),
    ("<187>2019 Jul 26 02:19:17 sw1 %$ VDC-1 %$ %ETH-5-X: y", "sw1", "Jul 26 02:19:17 2019", None, None, None),
    ("<189>Jul 26 2019 02:19:17: sw1 %$ VDC-1 %$ %ETH-5-X: y", "sw1", "Jul 26 2019 02:19:17", None, None, None),
    (
        "<190>12: r1 RP/0/RP0/CPU0:Mar  1 18:46:11.123 UTC: config[65710]: %MGBL-SYS-5-X : y",
        *("r1", "Mar  1 18:46:11.123", "+00:00", "config", "65710"),
    ),
    ("<134>WLC1: *apfTask: Mar 01 18:46:11.123: #APF-4-X: y", "WLC1", "Mar 01 18:46:11.123", None, "apfTask", None),
    ("<166>Jan 01 2019 10:00:00 asa1 : %ASA-6-302013: x", "asa1", "Jan 01 2019 10:00:00", None, None, None),
    ("<166>Jan 01 2019 10:00:00: %ASA-6-302013: x", None, "Jan 01 2019 10:00:00", None, None, None),
    ("<166>:Jan 01 10:00:00 UTC: %ASA-session-6-302013: x", None, "Jan 01 10:00:00", "+00:00", None, None),
    ("<113>2019-01-01T10:00:00Z fw1 %FTD-1-430003: x", "fw1", "2019-01-01T10:00:00Z", None, None, None),
    ("<189>12: r1: %SYS-5-CONFIG_I: no stamp", "r1", None, None, None, None),
    ("<134>1 1772672102.342705328 MX84 urls x", "MX84", "2026-03-05T00:55:02.342705+00:00", None, None, None),
    ("<14>Mar  5 08:15:02 PA-220 1,2026/03/05 08:15:02,01", "PA-220", "Mar  5 08:15:02", None, None, None),
    ("<14>Mar  5 08:15:02 1,2026/03/05 08:15:02,01", None, "Mar  5 08:15:02", None, None, None),
    ("<189>Mar  5 08:15:02 date=2026-03-05 time=08:15:02", None, "Mar  5 08:15:02", None, None, None),
    ("<134>Mar  5 08:15:02 f5.example.org notice mcpd[12]: x", "f5.example.org", "Mar  5 08:15:02", None, "mcpd", "12"),
    ("Mar  5 08:15:02 ap1 authpriv.info dropbear[12]: x", "ap1", "Mar  5 08:15:02", None, "dropbear", "12"),
    ("Thu Mar  5 08:15:02 2026 authpriv.info dropbear[12]: x", None, "Mar  5 08:15:02 2026", None, "dropbear", "12"),
    ("2026-03-05T08:15:02.113Z info hostd[21] [Or] x", None, "2026-03-05T08:15:02.113Z", None, "hostd", "21"),
    ("2026-03-05T08:15:02.113Z In(166) Hostd[21]: x", None, "2026-03-05T08:15:02.113Z", None, "Hostd", "21"),
    ("<166>2026-03-05T08:15:02.113Z esx1 Hostd: x", "esx1", "2026-03-05T08:15:02.113Z", None, "Hostd", None),
    (
        "<190>Mar  5 2026 08:15:02+07:00 HW-1 %%01SHELL/5/X(s)[1]:y",
        "HW-1",
        "Mar  5 2026 08:15:02",
        "+07:00",
        None,
        None,
    ),
    ("<190>Mar  5 08:15:02 2026 H3C %%10SHELL/6/X: y", "H3C", "Mar  5 08:15:02 2026", None, None, None),
    ("<190>2026-03-05 08:15:02 HW-1 %%01SHELL/5: y", "HW-1", "2026-03-05 08:15:02", None, None, None),
    (
        '<30>Mar  5 08:15:02 ("U7LT,00005e005301,v4.0.66.1") hostapd: x',
        *("U7LT,00005e005301,v4.0.66.1", "Mar  5 08:15:02", None, "hostapd", None),
    ),
    (
        "<30>Mar  5 08:15:02 AP-1 00005e005301,UAP-6.5.62+1: hostapd[12]: x",
        *("AP-1", "Mar  5 08:15:02", None, "hostapd", "12"),
    ),
    ("<14> Mar  5 08:15:02 192.0.2.1 00076 ports: x", "192.0.2.1", "Mar  5 08:15:02", None, "ports", None),
    ("<134> 03/05/2026:08:15:02 GMT ns1 0-PPE-0 : x", "ns1", "2026-03-05 08:15:02", "+00:00", None, None),
    ("<30>2026:03:05-08:15:02 utm1 ulogd[47]: x", "utm1", "2026-03-05 08:15:02", None, "ulogd", "47"),
    ("<165>Aug 24 05:34:00 CST 1987 m1 myproc[10]: x", "m1", "Aug 24 05:34:00 1987", "-06:00", "myproc", "10"),
    ("<0>1990 Oct 22 10:52:01 TZ-6 m1 192.0.2.3 sched[0]: x", "m1", "Oct 22 10:52:01 1990", "-06:00", "sched", "0"),
    ("Mar  5 08:15:02 UTC web1 sshd[12]: x", "web1", "Mar  5 08:15:02", "+00:00", "sshd", "12"),
    ("Mar  5 08:15:02 GMT+07:00 web1 sshd[12]: x", "web1", "Mar  5 08:15:02", "+07:00", "sshd", "12"),
    ("Mar  5 08:15:02 web1 kernel [12.3] IN=", "web1", "Mar  5 08:15:02", None, "kernel", None),
    ("Mar  5 08:15:02 a1 auth|security:info sshd[12]: x", "a1", "Mar  5 08:15:02", None, "sshd", "12"),
    ("Mar  5 08:15:02 Message forwarded from a1: sshd[12]: x", "a1", "Mar  5 08:15:02", None, "sshd", "12"),
    ("Mar  5 08:15:02 sun1 sshd[12]: [ID 80 auth.info] x", "sun1", "Mar  5 08:15:02", None, "sshd", "12"),
    (
        "<181>Mar  5 08:15:02 ise1 CISE_Failed_Attempts 0000012345 1 0 x",
        "ise1",
        "Mar  5 08:15:02",
        None,
        "CISE_Failed_Attempts",
        None,
    ),
    ("Mar  5 08:15:02 - sshd[12]: x", None, "Mar  5 08:15:02", None, "sshd", "12"),
    ("2026-03-05 08:15:02 web1 sshd[12]: x", "web1", "2026-03-05 08:15:02", None, "sshd", "12"),
    # A relay's header, and that of the host behind it.
    ("<13>Mar  5 08:15:09 relay <34>Mar  5 08:15:02 web1 sshd[12]: x", "web1", "Mar  5 08:15:02", None, "sshd", "12"),
    ("2026-03-05T08:15:09Z relay Mar  5 08:15:02 web1 sshd[12]: x", "web1", "Mar  5 08:15:02", None, "sshd", "12"),
    ("Mar  5 08:15:09 relay 1 2026-03-05T08:15:02Z m1 RT - ID - x", "m1", "2026-03-05T08:15:02Z", None, "RT", None),
    ("Mar  5 08:15:09 192.0.2.1 12: *Mar  5 08:15:02: %SYS-5-X: x", "192.0.2.1", "Mar  5 08:15:02", None, None, None),
    ("Mar  5 08:15:09 web1 2026-03-05T08:15:02Z INFO x", "web1", "Mar  5 08:15:09", None, None, None),
]


@pytest.mark.parametrize(("line", "host", "stamp", "zone", "program", "procid"), DEVICES)
def test_devices(line: str, host: str, stamp: str, zone: str, program: str, procid: str) -> None:
    header = read(line)
    assert header["form"] in (syslog.RFC3164, syslog.RFC5424)
    assert (header.get("host"), header.get("iso") or header.get("bsd")) == (host, stamp)
    assert (header.get("zone"), header.get("program"), header.get("procid")) == (zone, program, procid)


@pytest.mark.parametrize(
    "line",
    [
        "Thu Mar  5 08:15:02 2026 [pid 12] [bob] FAIL LOGIN",
        "Thu Mar  5 08:15:02 2026 : Auth: (12) Login OK",
        "2026-03-05T08:15:02.113456Z 0 [Note] [MY-1] x",
        "2026-03-05T08:15:02.113+07:00 INFO started",
        "2026-03-05 08:15:02.113 UTC [1234] LOG:  x",
        "05-Mar-2026 08:15:02.113 queries: info: x",
        "1772672102.342    123 192.0.2.1 TCP_MISS/200 1",
    ],
)
def test_an_applications_own_stamp_is_no_syslog_header(line: str) -> None:
    assert read(line) == {"form": syslog.BARE, "message": line}


def test_the_message_of_a_device_is_whole() -> None:
    assert read("<166>Jan 01 2019 10:00:00 asa1 : %ASA-6-302013: x")["message"] == "%ASA-6-302013: x"
    assert read("<190>Mar  5 08:15:02 2026 H3C %%10SHELL/6/X: y")["message"] == "%%10SHELL/6/X: y"
    assert read("Mar  5 08:15:02 sun1 sshd[12]: [ID 80 auth.info] x")["message"] == "x"
    assert read("Mar  5 08:15:02 web1 kernel [12.3] IN=")["message"] == "[12.3] IN="


STAMPS = {
    "Mar  5 08:15:02": ("bsd", None),
    "Mar 15 08:15:02.123": ("bsd", None),
    "Mar  5 2026 08:15:02": ("bsd", None),
    "Mar  5 08:15:02 2026": ("bsd", None),
    "Mar  5 08:15:02 EST": ("bsd", "-05:00"),
    "2026-03-05T08:15:02Z": ("iso", None),
    "2026-03-05T08:15:02.123456+07:00": ("iso", None),
    "2026-03-05T08:15:02": ("iso", None),
}
HOSTS = ["web1", "web1.example.org", "192.0.2.7", "2001:db8::7", "fe80::1%eth0", "máy-chủ", "a_b"]
TAGS = {
    "sshd[12]: ": ("sshd", "12"),
    "sshd[12] ": ("sshd", "12"),
    "sshd: ": ("sshd", None),
    "postfix/smtpd[9]: ": ("postfix/smtpd", "9"),
    "(systemd)[1-a]: ": ("(systemd)", "1-a"),
    "/usr/sbin/cron[3]: ": ("/usr/sbin/cron", "3"),
}
MESSAGES = [
    "x",
    "a: b",
    "Failed password for root from 192.0.2.1 port 1 ssh2",
    '{"a": 1}',
    "<34>x",
    "[x] y",
    "%ASA-1-2: x",
]


@pytest.mark.parametrize("message", MESSAGES)
def test_every_combination_of_stamp_host_and_tag_is_read(message: str) -> None:
    kinds = list(itertools.product(["", "<34>"], STAMPS, HOSTS, TAGS))
    headers = syslog.read(pa.array([f"{pri}{stamp} {host} {tag}{message}" for pri, stamp, host, tag in kinds]))
    found = zip(*(getattr(headers, name).to_pylist() for name in syslog.COLUMNS), strict=True)
    for (pri, stamp, host, tag), values in zip(kinds, found, strict=True):
        header = {name: value for name, value in zip(syslog.COLUMNS, values, strict=True) if value is not None}
        kind, zone = STAMPS[stamp]
        expected = {"host": host, "program": TAGS[tag][0], "message": message, kind: stamp.removesuffix(" EST")}
        expected |= {"priority": "34"} if pri else {}
        expected |= {"procid": str(TAGS[tag][1])} if TAGS[tag][1] else {}
        assert header == expected | ({"zone": zone} if zone else {}), (pri, stamp, host, tag)


words = st.sampled_from(
    [
        *STAMPS,
        *HOSTS,
        *TAGS,
        "<34>",
        "<13>1 ",
        "notice ",
        "UTC",
        "2026",
        "Mar",
        "last message repeated 3 times",
        ": ",
        "*",
    ]
) | st.text(alphabet="aZ0 :[]<>.-%/", max_size=4)


pieces = st.tuples(
    st.sampled_from(["", "<34>", "<34> "]),
    st.sampled_from([*STAMPS, "x"]),
    st.sampled_from([" ", "  ", ": "]),
    st.sampled_from(["", "UTC ", "notice ", "auth.info ", "2026 ", "12 ", "Mar ", "last "]) | words.map("{} ".format),
    st.sampled_from([*HOSTS, ""]).map(lambda host: host and f"{host} "),
    st.sampled_from([*TAGS, "", "12: ", "<34>"]),
    st.lists(words, max_size=3).map(" ".join),
).map("".join)


@given(st.lists(pieces, min_size=1, max_size=60))
def test_the_usual_form_is_read_as_the_steps_read_it(lines: list[str]) -> None:
    text = pa.array(lines, pa.string())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(syslog, "_read_usual", lambda *_: None)
        by_steps = syslog.read(text, PROGRAMS)
    headers = syslog.read(text, PROGRAMS)
    assert headers.form.tolist() == by_steps.form.tolist()
    for name in syslog.COLUMNS:
        assert getattr(headers, name).to_pylist() == getattr(by_steps, name).to_pylist()


@pytest.mark.parametrize(
    "line", ['{"a": 1}', "{", '{"t": "Mar  5 08:15:02 web-01 sshd[1]: x"}', "{a 0/RSP0/CPU0:Mar  5 08:15:02 : x"]
)
def test_what_begins_as_an_object_has_no_header_and_is_the_message(line: str) -> None:
    usual = "<13>Mar  5 08:15:02 web-01 sshd[1]: x"
    headers = syslog.read(pa.array([line, usual, line], pa.string()), PROGRAMS)
    assert headers.form.tolist() == [syslog.BARE, syslog.RFC3164, syslog.BARE]
    assert headers.message.to_pylist() == [line, "x", line]
    assert headers.host.to_pylist() == [None, "web-01", None]


names = st.text(alphabet="abz.09@_-", min_size=1, max_size=8)
elements = st.dictionaries(names, st.dictionaries(names, st.text(max_size=12), max_size=3), min_size=1, max_size=3)


def written(name: str, parameters: dict[str, str]) -> str:
    escaped = {key: re.sub(r'(["\\\]])', r"\\\1", value) for key, value in parameters.items()}
    return f"[{name}{''.join(f' {key}={chr(34)}{value}{chr(34)}' for key, value in escaped.items())}]"


@given(elements, st.text(max_size=10).filter(lambda text: not text.startswith("\ufeff")))
def test_structured_data_are_read_as_they_were_written(data: dict[str, dict[str, str]], message: str) -> None:
    header = read(f"<34>1 - h - - - {''.join(written(*element) for element in data.items())} {message}")
    expected = {
        f"{name}.{key}" if key else name: value
        for name, parameters in data.items()
        for key, value in (parameters or {"": ""}).items()
    }
    assert header["form"] == syslog.RFC5424
    assert dict(header["structured_data"]) == expected  # type: ignore[call-overload]
    assert header.get("message", "") == message
