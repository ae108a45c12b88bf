import pyarrow as pa
import pytest

from ingest import syslog

DEFAULT = dict.fromkeys((*syslog.COLUMNS, "structured_data"))


def read(line: str) -> dict[str, object]:
    headers = syslog.read(pa.array([line]))
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
                "program": "%SYS-5-CONFIG_I",
                "message": "done",
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
        ("<34>1 - h\nost - - - -", NEW | {"form": syslog.BROKEN}),
        ("<34>1 - - - - - [a][a]", NEW | {"form": syslog.BROKEN}),
        ('<34>1 - - - - - [a x="]"] m', NEW | {"form": syslog.BROKEN}),
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
