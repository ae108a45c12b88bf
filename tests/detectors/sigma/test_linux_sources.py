"""Lines of Linux services reach the log sources that rules name, and fill the fields that rules ask for."""

from __future__ import annotations

import datetime

import pytest

from detectors.sigma import taxonomy
from detectors.sigma.columns import Columns
from detectors.sigma.rule import LogSource
from ingest import files
from ingest.parse import parse
from ingest.sources import Register

TABLES = taxonomy.load()
RECEIVED = datetime.datetime(2026, 3, 5, 2, 0, tzinfo=datetime.UTC)

AUDIT = "type={} msg=audit(1772675702.113:4101): {}"
SYSCALL = 'arch=c000003e syscall={} success=yes exit=0 a0=3 pid=7 uid=33 comm="sh" exe="/bin/sh" key="k"'
EXECVE = AUDIT.format("EXECVE", 'argc=2 a0="/usr/bin/wget" a1="-q"')
JOINED = f"{AUDIT.format('SYSCALL', SYSCALL.format(59))} {EXECVE}"
MADE = AUDIT.format("PATH", 'item=1 name="/etc/cron.d/x" inode=1 nametype=CREATE')
SEEN = AUDIT.format("PATH", 'item=0 name="/etc/shadow" inode=1 nametype=NORMAL')
CONNECTED = f"{AUDIT.format('SYSCALL', SYSCALL.format(42))} {AUDIT.format('SOCKADDR', 'saddr=0200115CCB007109')}"


@pytest.mark.parametrize(
    ("line", "source", "fields"),
    [
        (EXECVE, "linux//auditd", {"type": "EXECVE", "a0": "/usr/bin/wget", "a1": "-q"}),
        (JOINED, "linux//auditd", {"type": "EXECVE", "a0": "/usr/bin/wget", "exe": "/bin/sh", "SYSCALL": "execve"}),
        (JOINED, "linux/process_creation/", {"Image": "/bin/sh", "CommandLine": "/usr/bin/wget -q"}),
        (AUDIT.format("SYSCALL", SYSCALL.format(175)), "linux//auditd", {"type": "SYSCALL", "SYSCALL": "init_module"}),
        (SEEN, "linux//auditd", {"type": "PATH", "name": "/etc/shadow", "nametype": "NORMAL"}),
        (MADE, "linux/file_event/", {"TargetFilename": "/etc/cron.d/x"}),
        (
            CONNECTED,
            "linux/network_connection/",
            {"DestinationIp": "203.0.113.9", "DestinationPort": "4444", "Initiated": "true"},
        ),
        ("Mar  5 08:00:00 m clamd[9]: /srv/a: Eicar FOUND", "linux//clamav", {}),
        (
            "Mar  5 08:00:00 m clamd[9]: /srv/a: Eicar FOUND",
            "/antivirus/",
            {"Signature": "Eicar", "Filename": "/srv/a"},
        ),
        ('Mar  5 08:00:00 m vsftpd[9]: [lan] FAIL LOGIN: Client "198.51.100.7"', "linux//vsftpd", {}),
        ("Mar  5 08:00:00 m kernel: device eth0 entered promiscuous mode", "linux//syslog", {}),
        (
            "Mar  5 08:00:00 m kernel: DROP IN=eth0 OUT= MAC= SRC=198.51.100.7 DST=192.0.2.1 LEN=40 TOS=0x00 PREC=0x00 "
            "TTL=1 ID=1 PROTO=TCP SPT=1 DPT=22 WINDOW=1 RES=0x00 SYN URGP=0",
            "/firewall/",
            {"src_ip": "198.51.100.7", "dst_port": "22", "action": "drop"},
        ),
        (
            "Mar  5 08:00:00 m named[9]: client 192.0.2.15#30 (example.org): query: example.org IN TXT + (192.0.2.53)",
            "/dns/",
            {"query": "example.org", "record_type": "TXT"},
        ),
        ("Mar  5 08:00:00 m dnsmasq[9]: query[A] example.org from 192.0.2.15", "/dns/", {"query": "example.org"}),
    ],
)
def test_a_line_is_of_its_log_source_and_fills_its_fields(line: str, source: str, fields: dict[str, str]) -> None:
    wanted = LogSource(*(part or None for part in source.split("/")))
    columns = Columns(parse(files.batch([line.encode()], RECEIVED, "test"), Register()))
    codes, memberships = TABLES.memberships(columns)
    assert memberships[codes[0]].fits(wanted)
    found = {name: columns.column(TABLES.columns(name, wanted)) for name in fields}
    assert {name: column and column.of_row(0) for name, column in found.items()} == {
        name: [value] for name, value in fields.items()
    }


def test_a_file_that_was_only_read_is_no_file_event() -> None:
    columns = Columns(parse(files.batch([SEEN.encode()], RECEIVED, "test"), Register()))
    codes, memberships = TABLES.memberships(columns)
    assert not memberships[codes[0]].fits(LogSource("linux", "file_event", None))
