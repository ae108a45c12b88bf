r"""eventlog_text: Windows events whose provider is the program of a syslog line -> ECS.

In:   the rendered text, of NXLog's to_syslog_bsd and to_syslog_ietf, rsyslog's Windows agent and their like; the fields
      of the event in the structured data of RFC 5424, or in the text alone
Out:  `winlog.*` and ECS, see ingest/vendors/winlog.py
Docs: NXLog xm_syslog, im_msvistalog; RFC 5424 §6.3

A line of RFC 3164 does not say which event it is: the sentence that the text opens with does.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ingest.lines import Context, Parsed, Parser
from ingest.parsers.eventlog_json import flat
from ingest.vendors import winlog

AUDITING, SYSMON, SERVICES = (
    "Microsoft-Windows-Security-Auditing",
    "Microsoft-Windows-Sysmon",
    "Service Control Manager",
)
# provider -> its channel; the program of a line is the provider in lower case, with _ for a blank
PROVIDERS = {
    AUDITING: "Security", SYSMON: "Microsoft-Windows-Sysmon/Operational", SERVICES: "System",
    "Microsoft-Windows-Eventlog": "Security",
    "Microsoft-Windows-PowerShell": "Microsoft-Windows-PowerShell/Operational", "PowerShell": "Windows PowerShell",
    "Microsoft-Windows-Windows Defender": "Microsoft-Windows-Windows Defender/Operational",
    "Microsoft-Windows-TaskScheduler": "Microsoft-Windows-TaskScheduler/Operational",
    "Microsoft-Windows-TerminalServices-LocalSessionManager":
        "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational",
    "Microsoft-Windows-TerminalServices-RemoteConnectionManager":
        "Microsoft-Windows-TerminalServices-RemoteConnectionManager/Operational",
    "Microsoft-Windows-WMI-Activity": "Microsoft-Windows-WMI-Activity/Operational",
    "Microsoft-Windows-Bits-Client": "Microsoft-Windows-Bits-Client/Operational",
    "Microsoft-Windows-AppLocker": "Microsoft-Windows-AppLocker/EXE and DLL",
    "Microsoft-Windows-NTLM": "Microsoft-Windows-NTLM/Operational",
    "Microsoft-Windows-DNS-Server-Service": "DNS Server", "Microsoft-Windows-DNSServer": "DNS Server",
    "Microsoft-Windows-GroupPolicy": "System", "Microsoft-Windows-Kernel-General": "System", "EventLog": "System",
    "User32": "System", "MsiInstaller": "Application", "MSSQLSERVER": "Application", "ESENT": "Application",
}  # fmt: skip
_PROGRAMS = {provider.lower().replace(" ", blank): provider for provider in PROVIDERS for blank in "_ "}

OPENINGS = {
    AUDITING: {
        "An account was successfully logged on": "4624", "An account failed to log on": "4625",
        "An account was logged off": "4634", "User initiated logoff": "4647",
        "A logon was attempted using explicit credentials": "4648", "Special privileges assigned to new logon": "4672",
        "A privileged service was called": "4673", "An operation was attempted on a privileged object": "4674",
        "A new process has been created": "4688", "A process has exited": "4689",
        "A service was installed in the system": "4697", "A scheduled task was created": "4698",
        "A scheduled task was deleted": "4699", "A scheduled task was enabled": "4700",
        "A scheduled task was disabled": "4701", "A scheduled task was updated": "4702",
        "System audit policy was changed": "4719", "A user account was created": "4720",
        "A user account was enabled": "4722", "An attempt was made to change an account's password": "4723",
        "An attempt was made to reset an account's password": "4724", "A user account was disabled": "4725",
        "A user account was deleted": "4726", "A member was added to a security-enabled global group": "4728",
        "A member was removed from a security-enabled global group": "4729",
        "A member was added to a security-enabled local group": "4732",
        "A member was removed from a security-enabled local group": "4733",
        "A user account was changed": "4738", "A user account was locked out": "4740",
        "A computer account was created": "4741", "A member was added to a security-enabled universal group": "4756",
        "A member was removed from a security-enabled universal group": "4757", "A user account was unlocked": "4767",
        "A Kerberos authentication ticket (TGT) was requested": "4768",
        "A Kerberos service ticket was requested": "4769",
        "A Kerberos service ticket was renewed": "4770", "Kerberos pre-authentication failed": "4771",
        "The computer attempted to validate the credentials for an account": "4776",
        "A session was reconnected to a Window Station": "4778",
        "A session was disconnected from a Window Station": "4779", "A network share object was accessed": "5140",
        "A network share object was checked to see whether client can be granted desired access": "5145",
        "The Windows Filtering Platform has permitted a connection": "5156",
        "The Windows Filtering Platform has blocked a connection": "5157",
    },
    "Microsoft-Windows-Eventlog": {"The audit log was cleared": "1102"},
    SERVICES: {"A service was installed in the system": "7045"},
    SYSMON: {
        "Process Create": "1", "File creation time changed": "2", "Network connection detected": "3",
        "Sysmon service state changed": "4", "Process terminated": "5", "Driver loaded": "6", "Image loaded": "7",
        "CreateRemoteThread detected": "8", "RawAccessRead detected": "9", "Process accessed": "10",
        "File created": "11", "Registry object added or deleted": "12", "Registry value set": "13",
        "Registry object renamed": "14", "File stream created": "15", "Sysmon config state changed": "16",
        "Pipe Created": "17", "Pipe Connected": "18", "WmiEventFilter activity detected": "19",
        "WmiEventConsumer activity detected": "20", "WmiEventConsumerToFilter activity detected": "21",
        "Dns query": "22", "File Delete archived": "23", "Clipboard changed": "24", "Process Tampering": "25",
        "File Delete logged": "26", "File Block Executable": "27", "File Block Shredding": "28",
        "File Executable Detected": "29",
    },
    "Microsoft-Windows-PowerShell": {"Creating Scriptblock text (": "4104"},
}  # fmt: skip
LONGEST = {
    provider: sorted(openings.items(), key=lambda pair: -len(pair[0])) for provider, openings in OPENINGS.items()
}


def _record(message: str | None, program: str, structured: list[tuple[str, str]] | None) -> winlog.Record | None:
    provider = _PROGRAMS[program]
    text = (message or "").strip()
    fields = {"Message": text, "SourceName": provider, "Channel": PROVIDERS[provider]}
    if structured:
        header, pairs, _ = flat({**fields, **{name.rpartition(".")[2]: value for name, value in structured}})
        if winlog.is_event(header):
            return header, pairs
    for opening, event_id in LONGEST.get(provider, ()):
        if text.startswith(opening):
            return flat({**fields, "EventID": event_id})[:2]
    return None


def read(messages: pa.Array, context: Context) -> Parsed:
    given = zip(messages.to_pylist(), context.program.to_pylist(), context.structured_data.to_pylist(), strict=True)
    found = [(row, record) for row, line in enumerate(given) if (record := _record(*line))]
    rows = np.array([row for row, _ in found], dtype=np.int64)
    if not found:
        return rows, {}
    return rows, winlog.events([record for _, record in found], context.zone.take(pa.array(rows)))


PARSER = Parser(
    module="windows",
    dataset="windows.forwarded",
    programs=tuple(_PROGRAMS),
    read=read,
)
