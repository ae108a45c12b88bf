"""line_writers: an event as a raw line, for forms that can be written without guessing.

In:   an event by its field names; what tells events of its log source
Out:  a line of one form each, or None where the event has what the form has no place for
Docs: docs/formats/province-audit.md; NXLog im_msvistalog and to_json; combined log format; audit "Record Types";
      sudoers(5), "LOG FORMAT"; OpenSSH auth.c, auth_log()
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from detectors.sigma.columns import ORIGINAL, STATED

Event = Mapping[str, Any]
Writer = Callable[[Event, Mapping[str, str]], str | None]

_SYSLOG = "Mar  5 09:00:00"
_ISO = "2026-03-05T09:00:00.000+07:00"
_CLF = "05/Mar/2026:09:00:00 +0700"
_AUDIT = "audit(1772676000.000:1)"
# The places of the combined log format, by the names that rules have for them.
_ACCESS = {
    "host": ("c-ip", "src_ip", "source.ip", "client.ip"),
    "user": ("cs-username", "user.name"),
    "method": ("cs-method", "http.request.method"),
    "stem": ("cs-uri-stem", "c-uri-path", "url.path"),
    "query": ("cs-uri-query", "c-uri-query", "url.query"),
    "uri": ("cs-uri", "c-uri", "url.original", "cs-uri-decoded"),
    "version": ("cs-version",),
    "status": ("sc-status", "http.response.status_code"),
    "bytes": ("sc-bytes", "http.response.body.bytes"),
    "referer": ("cs-referer", "cs-referrer", "http.request.referrer"),
    "agent": ("cs-user-agent", "c-useragent", "user_agent.original"),
}


def _fields(event: Event) -> dict[str, Any]:
    """What happened, without what the event states of its log source."""
    return {name: value for name, value in event.items() if name not in STATED}


def audit_json(event: Event, telling: Mapping[str, str]) -> str | None:
    """The audit line of a system of the province."""
    if telling.get("event.dataset") != "province.audit" and event.get("product") != "hamrong":
        return None
    written = json.dumps(_fields(event), ensure_ascii=False)
    return f"<110>1 {_ISO} app-01.example.org app - - - {written}"


def event_log(event: Event, telling: Mapping[str, str]) -> str | None:
    """A record of the Windows event log, as NXLog writes it in JSON."""
    if event.get("product") != "windows" or ORIGINAL in event:
        return None
    told = {name: telling[name] for name in ("Channel", "EventID") if name in telling}
    fields = {"Channel": "Application", "EventID": 1, **told, **_fields(event)}
    fields["EventID"] = int(fields["EventID"]) if str(fields["EventID"]).isdigit() else fields["EventID"]
    header = {"EventTime": "2026-03-05 09:00:00", "Hostname": "pc-17.example.org", "SeverityValue": 2}
    return f"<14>{_SYSLOG} pc-17 {json.dumps({**header, **fields}, ensure_ascii=False)}"


def access(event: Event, telling: Mapping[str, str]) -> str | None:
    """A request in the combined log format."""
    fields = _fields(event)
    found = {place: fields.pop(name) for place, names in _ACCESS.items() for name in names if name in fields}
    if fields or not found or ("uri" in found and found.keys() & {"stem", "query"}):
        return None
    query = f"?{found['query']}" if "query" in found else ""
    uri = found.get("uri", f"{found.get('stem', '/')}{query}")
    request = f"{str(found.get('method', 'GET')).upper()} {uri} {found.get('version', 'HTTP/1.1')}"
    return (
        f"<190>{_SYSLOG} web-01 nginx: {found.get('host', '203.0.113.7')} - {found.get('user', '-')} [{_CLF}] "
        f'"{request}" {found.get("status", 200)} {found.get("bytes", 512)} "{found.get("referer", "-")}" '
        f'"{found.get("agent", "Mozilla/5.0")}"'
    )


def audit_record(event: Event, telling: Mapping[str, str]) -> str | None:
    """A record of the Linux audit system."""
    fields = _fields(event)
    if telling.get("event.module") != "auditd" or ORIGINAL in event:
        return None
    kind = str(fields.pop("type", "SYSCALL")).upper()
    pairs = " ".join(
        f"{name}={value}" if isinstance(value, int) else f'{name}="{value}"' for name, value in fields.items()
    )
    return f"type={kind} msg={_AUDIT}: {pairs}"


def sudo(event: Event, telling: Mapping[str, str]) -> str | None:
    """A command by sudo that was let through."""
    fields = _fields(event)
    action = fields.pop("event.action", "sudo-command" if event.get("service") == "sudo" else "")
    if action != "sudo-command" or fields.pop("event.outcome", "success") != "success":
        return None
    user, target = fields.pop("user.name", "cb.an"), fields.pop("user.effective.name", "root")
    command, place = fields.pop("process.command_line", "/usr/bin/id"), fields.pop("process.working_directory", "/root")
    if fields:
        return None
    return f"<85>{_SYSLOG} host-01 sudo:   {user} : TTY=pts/0 ; PWD={place} ; USER={target} ; COMMAND={command}"


def sshd(event: Event, telling: Mapping[str, str]) -> str | None:
    """A log-in by SSH."""
    fields = _fields(event)
    if fields.pop("event.action", "ssh-login" if event.get("service") == "sshd" else "") != "ssh-login":
        return None
    word = "Accepted" if fields.pop("event.outcome", "failure") == "success" else "Failed"
    method, user = fields.pop("system.auth.ssh.method", "password"), fields.pop("user.name", "cb.an")
    address = fields.pop("source.ip", "203.0.113.7")
    if fields:
        return None
    return f"<86>{_SYSLOG} host-01 sshd[4711]: {word} {method} for {user} from {address} port 51000 ssh2"


def message(event: Event, telling: Mapping[str, str]) -> str | None:
    """A line of some program, for rules that look for words in it."""
    fields = _fields(event)
    text, program = fields.pop(ORIGINAL, None), fields.pop("process.name", None)
    if text is None or fields:
        return None
    named = program or telling.get("process.name") or telling.get("event.module") or event.get("service") or "app"
    return f"<13>{_SYSLOG} host-01 {named}[4711]: {text}"


WRITERS: tuple[Writer, ...] = (audit_json, event_log, access, audit_record, sudo, sshd, message)
