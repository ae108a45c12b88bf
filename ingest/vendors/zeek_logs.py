"""zeek_logs: the logs that Zeek writes, and how to tell them apart.

In:   the keys of one JSON object
Out:  the log's name as Beats has it, and what each of its keys is in ECS
Docs: Zeek documentation, "Log Files"; Zeek script reference, `Conn::Info` and its kin
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

CONNECTION = ("connection", "protocol")


@dataclass(frozen=True)
class Log:
    """A kind of log: it is known by `keys`, all of which its lines have (`a|b` = one of them)."""

    name: str
    keys: tuple[str, ...]
    protocol: str | None = None
    transport: str | None = None
    category: tuple[str, ...] = ("network",)
    type: tuple[str, ...] = CONNECTION
    names: dict[str, str] = field(default_factory=dict)
    success: str | None = None
    """The key whose true or false is the outcome."""

    @cached_property
    def _alternatives(self) -> tuple[frozenset[str], ...]:
        return tuple(frozenset(keys.split("|")) for keys in self.keys)

    def has(self, keys: Iterable[str]) -> bool:
        return not any(alternatives.isdisjoint(keys) for alternatives in self._alternatives)


ENDS = {
    "ts": "@timestamp",
    "uid": "zeek.session_id",
    "id.orig_h": "source.address",
    "id.orig_p": "source.port",
    "id.resp_h": "destination.address",
    "id.resp_p": "destination.port",
    "proto": "network.transport",
    "community_id": "network.community_id",
}
FILE = {"name": "file.name", "size": "file.size", "path": "file.path", "md5": "file.hash.md5", "sha1": "file.hash.sha1"}

# In this order: an earlier one has keys that a later one's would also fit.
LOGS = (
    Log(
        "connection",
        ("conn_state",),
        type=("connection",),
        names={
            "service": "network.protocol",
            "orig_ip_bytes": "source.bytes",
            "resp_ip_bytes": "destination.bytes",
            "orig_pkts": "source.packets",
            "resp_pkts": "destination.packets",
            "conn_state": "zeek.connection.state",
            "orig_l2_addr": "source.mac",
            "resp_l2_addr": "destination.mac",
            "vlan": "network.vlan.id",
        },
    ),
    Log("intel", ("seen.indicator",), type=("info",)),
    Log(
        "notice",
        ("note", "msg|actions"),
        category=("intrusion_detection",),
        type=("info",),
        names={"note": "rule.name", "src": "source.address", "dst": "destination.address", "p": "destination.port"},
    ),
    Log("weird", ("name", "notice", "peer"), type=("info",), names={"name": "rule.name"}),
    Log(
        "signature",
        ("sig_id",),
        names={
            "sig_id": "rule.id",
            "src_addr": "source.address",
            "src_port": "source.port",
            "dst_addr": "destination.address",
            "dst_port": "destination.port",
        },
    ),
    Log(
        "dns",
        ("trans_id|query|AA", "qtype|rcode|rejected|query"),
        "dns",
        names={
            "query": "dns.question.name",
            "qtype_name": "dns.question.type",
            "rcode_name": "dns.response_code",
            "answers": "dns.answers.data",
        },
        type=("connection", "protocol", "info"),
    ),
    Log("sip", ("call_id|request_path",), "sip", "udp", names={"method": "event.action", "uri": "url.full"}),
    Log(
        "smtp",
        ("helo|mailfrom|rcptto|last_reply",),
        "smtp",
        "tcp",
        ("network", "email"),
        names={
            "mailfrom": "email.from.address",
            "rcptto": "email.to.address",
            "subject": "email.subject",
            "msg_id": "email.message_id",
        },
    ),
    Log(
        "http",
        ("trans_depth",),
        "http",
        "tcp",
        ("network", "web"),
        ("connection", "protocol", "info"),
        names={
            "method": "http.request.method",
            "referrer": "http.request.referrer",
            "version": "http.version",
            "status_code": "http.response.status_code",
            "request_body_len": "http.request.body.bytes",
            "response_body_len": "http.response.body.bytes",
            "uri": "url.original",
            "host": "url.domain",
            "username": "url.username",
            "password": "url.password",
            "user_agent": "user_agent.original",
            "resp_mime_types": "http.response.mime_type",
        },
    ),
    Log(
        "ssl",
        ("established",),
        "tls",
        "tcp",
        names={
            "cipher": "tls.cipher",
            "curve": "tls.curve",
            "server_name": "tls.client.server_name",
            "subject": "tls.server.subject",
            "issuer": "tls.server.issuer",
            "ja3": "tls.client.ja3",
            "ja3s": "tls.server.ja3s",
        },
    ),
    Log("x509", ("certificate.serial|certificate.version",), category=("file",), type=("info",)),
    Log("ocsp", ("hashAlgorithm",), transport="tcp", type=("info",)),
    Log("pe", ("compile_ts|machine", "os|is_exe|id"), category=("file",), type=("info",)),
    Log(
        "files",
        ("fuid", "seen_bytes|tx_hosts|source"),
        category=("file",),
        type=("info",),
        names={
            "filename": "file.name",
            "total_bytes": "file.size",
            "md5": "file.hash.md5",
            "sha1": "file.hash.sha1",
            "sha256": "file.hash.sha256",
            "mime_type": "file.mime_type",
        },
    ),
    Log("ssh", ("auth_attempts|kex_alg|cipher_alg|auth_success",), "ssh", "tcp", success="auth_success"),
    Log(
        "kerberos",
        ("request_type",),
        "kerberos",
        "tcp",
        ("network", "authentication"),
        names={"request_type": "event.action"},
        success="success",
    ),
    Log(
        "ntlm",
        ("domainname|server_nb_computer_name|server_tree_name|server_dns_computer_name",),
        "ntlm",
        "tcp",
        ("network", "authentication"),
        names={"username": "user.name", "domainname": "user.domain"},
        success="success",
    ),
    Log("rdp", ("cookie|security_protocol|keyboard_layout|cert_count",), "rdp", "tcp", type=("protocol", "info")),
    Log("smb_mapping", ("share_type|native_file_system",), "smb", "tcp", names={"path": "file.path"}),
    Log("dce_rpc", ("operation", "endpoint|named_pipe"), "dce_rpc", "tcp", names={"operation": "event.action"}),
    Log(
        "smb_cmd",
        ("command", "sub_command|argument|tree"),
        "smb",
        "tcp",
        names={"command": "event.action", "username": "user.name"},
    ),
    Log(
        "smb_files",
        ("action", "name|path", "times.modified|size|times.accessed"),
        "smb",
        "tcp",
        ("network", "file"),
        names={**FILE, "action": "event.action"},
    ),
    Log(
        "dhcp",
        ("msg_types|assigned_addr|lease_time|client_fqdn|requested_addr",),
        "dhcp",
        "udp",
        type=("connection", "protocol", "info"),
        names={
            "client_addr": "source.address",
            "server_addr": "destination.address",
            "client_port": "source.port",
            "server_port": "destination.port",
            "mac": "source.mac",
            "domain": "network.name",
        },
    ),
    Log(
        "irc",
        ("nick|value|dcc_file_name", "command"),
        "irc",
        "tcp",
        names={"user": "user.name", "command": "event.action"},
    ),
    Log(
        "ftp",
        ("command", "reply_code|user|arg"),
        "ftp",
        "tcp",
        type=("connection", "protocol", "info"),
        names={"user": "user.name", "command": "event.action", "file_size": "file.size"},
    ),
    Log(
        "mysql",
        ("cmd", "arg"),
        "mysql",
        "tcp",
        ("database", "network"),
        names={"cmd": "event.action"},
        success="success",
    ),
    Log("socks", ("bound.host|bound.name|request.host|bound_p",), "socks", "tcp", names={"user": "user.name"}),
    Log("snmp", ("get_requests|set_requests|get_responses",), "snmp", "udp"),
    Log(
        "radius",
        ("username", "result|mac|framed_addr|connect_info"),
        "radius",
        "udp",
        ("network", "authentication"),
        names={"username": "user.name"},
    ),
    Log("rfb", ("desktop_name|share_flag|client_major_version",), "rfb", "tcp", success="auth"),
    Log("modbus", ("func|exception",), "modbus", "tcp", names={"func": "event.action"}),
    Log("dnp3", ("fc_request|fc_reply",), "dnp3", "tcp", names={"fc_request": "event.action"}),
    Log("ldap", ("message_id", "opcode"), "ldap", "tcp", names={"opcode": "event.action"}),
    Log("tunnel", ("tunnel_type",), type=("connection",), names={"action": "event.action"}),
    Log(
        "syslog",
        ("facility", "severity"),
        "syslog",
        "udp",
        names={"facility": "log.syslog.facility.name", "severity": "log.syslog.severity.name"},
    ),
    Log("dpd", ("analyzer", "failure_reason"), type=("connection", "info"), names={"failure_reason": "event.reason"}),
    Log(
        "traceroute",
        ("src", "dst"),
        type=("connection", "info"),
        names={"src": "source.address", "dst": "destination.address"},
    ),
    Log("software", ("software_type",), type=("info",), names={"host": "source.address", "host_p": "source.port"}),
    Log("known_certs", ("host", "port_num", "subject|serial"), type=("info",), names={"host": "host.ip"}),
    Log("known_services", ("host", "port_num"), type=("info",), names={"host": "host.ip"}),
    Log("capture_loss", ("percent_lost",), category=(), type=("info",)),
    Log("stats", ("mem", "pkts_proc"), category=(), type=("info",)),
)

OTHER = Log("log", ())
