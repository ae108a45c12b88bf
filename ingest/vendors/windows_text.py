r"""windows_text: the text that Windows shows of an event -> its data.

In:   a rendered message, with its line breaks or with blanks in their place, as Snare sends it
Out:  the names and values that `<EventData>` has for it
Docs: Windows security auditing events, "Event Description"; Sysmon, "Events"; PowerShell, about_Logging_Windows

Of a text in one line, the first place where a label stands counts. What a sender may choose (a command line) can hold
labels too; in the Security log it comes after the names that Windows wrote itself, and can't replace them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

Data = dict[str, str]

# Labels that mean one thing wherever they stand.
PLAIN = {
    "Logon Type": "LogonType", "Logon Process": "LogonProcessName",
    "Authentication Package": "AuthenticationPackageName",
    "Workstation Name": "WorkstationName", "Source Workstation": "Workstation", "Source Network Address": "IpAddress",
    "Client Address": "IpAddress", "Network Address": "IpAddress", "Client Port": "IpPort", "Port": "IpPort",
    "Client Name": "ClientName", "Session Name": "SessionName", "Key Length": "KeyLength",
    "Package Name (NTLM only)": "LmPackageName", "Impersonation Level": "ImpersonationLevel",
    "Elevated Token": "ElevatedToken", "Failure Reason": "FailureReason", "Status": "Status", "Sub Status": "SubStatus",
    "Error Code": "Status", "Failure Code": "Status", "Result Code": "Status", "Ticket Options": "TicketOptions",
    "Ticket Encryption Type": "TicketEncryptionType", "Pre-Authentication Type": "PreAuthType",
    "Service Name": "ServiceName", "Service ID": "ServiceSid", "Service File Name": "ServiceFileName",
    "Service Type": "ServiceType", "Service Start Type": "ServiceStartType", "Service Account": "ServiceAccount",
    "New Process ID": "NewProcessId", "New Process Name": "NewProcessName", "Creator Process Name": "ParentProcessName",
    "Token Elevation Type": "TokenElevationType", "Mandatory Label": "MandatoryLabel",
    "Process Command Line": "CommandLine", "Caller Process ID": "ProcessId", "Caller Process Name": "ProcessName",
    "Process Name": "ProcessName", "Application Name": "Application", "Exit Status": "Status",
    "Object Server": "ObjectServer", "Object Type": "ObjectType", "Object Name": "ObjectName", "Handle ID": "HandleId",
    "Object Value Name": "ObjectValueName", "Old Value": "OldValue", "New Value": "NewValue",
    "Accesses": "AccessList", "Access Mask": "AccessMask", "Privileges": "PrivilegeList",
    "Share Name": "ShareName", "Share Path": "ShareLocalPath", "Relative Target Name": "RelativeTargetName",
    "Task Name": "TaskName", "Task Content": "TaskContent", "Target Server Name": "TargetServerName",
    "Direction": "Direction", "Destination Address": "DestAddress", "Destination Port": "DestPort",
    "Protocol": "Protocol", "Category": "CategoryId", "Subcategory": "SubcategoryId",
    "Subcategory GUID": "SubcategoryGuid", "Changes": "AuditPolicyChanges", "Old Account Name": "OldTargetUserName",
    "New Account Name": "NewTargetUserName", "Logon Account": "TargetUserName", "Logon GUID": "LogonGuid",
    "User Principal Name": "UserPrincipalName", "SAM Account Name": "SamAccountName", "Object DN": "ObjectDN",
}  # fmt: skip
SUBJECT = {
    "Security ID": "SubjectUserSid", "Account Name": "SubjectUserName", "Account Domain": "SubjectDomainName",
    "Domain Name": "SubjectDomainName", "Logon ID": "SubjectLogonId",
}  # fmt: skip
NEW_LOGON = {
    "Security ID": "TargetUserSid", "Account Name": "TargetUserName", "Account Domain": "TargetDomainName",
    "Logon ID": "TargetLogonId", "User ID": "TargetSid", "Supplied Realm Name": "TargetDomainName",
}  # fmt: skip
TARGET = {
    "Security ID": "TargetSid", "Account Name": "TargetUserName", "Group Name": "TargetUserName",
    "Account Domain": "TargetDomainName", "Group Domain": "TargetDomainName",
}  # fmt: skip
# What follows stands for the section's account, until the next section.
SECTIONS = {
    **dict.fromkeys(("Subject", "Creator Subject"), SUBJECT),
    **dict.fromkeys(
        (
            "New Logon", "Target Subject", "Account For Which Logon Failed", "Account Whose Credentials Were Used",
            "Account Information",
        ),
        NEW_LOGON,
    ),
    **dict.fromkeys(
        (
            "Target Account", "New Account", "Account That Was Locked Out", "Group", "New Group", "Deleted Group",
            "New Computer Account", "Computer Account That Was Changed", "Target Computer",
        ),
        TARGET,
    ),
    "Member": {"Security ID": "MemberSid", "Account Name": "MemberName"},
    "Session": {"Account Name": "AccountName", "Account Domain": "AccountDomain", "Logon ID": "LogonID"},
    "Process Information": {"Process ID": "ProcessId", "Creator Process ID": "ProcessId"},
    "Process": {"Process ID": "ProcessId"},
    "Application Information": {"Process ID": "ProcessID"},
    "Network Information": {"Source Address": "IpAddress", "Source Port": "IpPort"},
    # These change nobody's name.
    **{
        section: dict[str, str]()
        for section in (
            "Logon Information", "Failure Information", "Detailed Authentication Information", "Additional Information",
            "Service Information", "Share Information", "Access Request Information", "Filter Information", "Object",
            "Task Information", "Target Server", "Attributes", "Changed Attributes", "Audit Policy Change",
        )
    },
}  # fmt: skip
# In these the section "Subject" is the account that logs off.
LOGS_OFF = ("4634", "4647")
PACKETS = ("5152", "5154", "5156", "5157", "5158")
PACKET = {"Source Address": "SourceAddress", "Source Port": "SourcePort"}

SERVICE = {
    "Service Name": "ServiceName", "Service File Name": "ImagePath", "Service Type": "ServiceType",
    "Service Start Type": "StartType", "Service Account": "AccountName",
}  # fmt: skip
SYSMON = [
    "RuleName", "EventType", "UtcTime", "ProcessGuid", "ProcessId", "Image", "FileVersion", "Description",
    "Product", "Company", "OriginalFileName", "CommandLine", "CurrentDirectory", "User", "LogonGuid", "LogonId",
    "TerminalSessionId", "IntegrityLevel", "Hashes", "Hash", "ParentProcessGuid", "ParentProcessId",
    "ParentImage", "ParentCommandLine", "ParentUser", "TargetFilename", "CreationUtcTime",
    "PreviousCreationUtcTime", "Protocol", "Initiated", "SourceIsIpv6", "SourceIp", "SourceHostname",
    "SourcePort", "SourcePortName", "DestinationIsIpv6", "DestinationIp", "DestinationHostname",
    "DestinationPort", "DestinationPortName", "ImageLoaded", "Signed", "Signature", "SignatureStatus",
    "SourceProcessGuid", "SourceProcessGUID", "SourceProcessId", "SourceThreadId", "SourceImage",
    "TargetProcessGuid", "TargetProcessGUID", "TargetProcessId", "TargetImage", "NewThreadId", "StartAddress",
    "StartModule", "StartFunction", "GrantedAccess", "CallTrace", "SourceUser", "TargetUser", "Device",
    "TargetObject", "Details", "NewName", "Contents", "PipeName", "Operation", "EventNamespace", "Name", "Query",
    "Type", "Destination", "Consumer", "Filter", "QueryName", "QueryStatus", "QueryResults", "IsExecutable",
    "Archived", "Session", "ClientInfo", "State", "Version", "SchemaVersion", "Configuration",
    "ConfigurationFileHash", "ID",
]  # fmt: skip


SECURITY_LABELS = frozenset([*PLAIN, *SECTIONS, *(label for names in SECTIONS.values() for label in names)])
SYSMON_LABELS = frozenset(SYSMON)
MOST_WORDS = max(label.count(" ") + 1 for label in SECURITY_LABELS)
# All labels of a section, by its name.
LABELS = {section: PLAIN | names for section, names in SECTIONS.items()}
LABELS_LOGOFF = PLAIN | NEW_LOGON
# What Windows explains after the last value.
EXPLAINED = re.compile(
    r"This event is generated|Token Elevation Type indicates|The subject fields|Pre-authentication types|"
    r"Certificate information is only"
)
SCRIPT = re.compile(
    r"Creating Scriptblock text \((?P<MessageNumber>[0-9]+) of (?P<MessageTotal>[0-9]+)\):\s+(?P<ScriptBlockText>.*)"
    r"\s+ScriptBlock ID: (?P<ScriptBlockId>[0-9a-fA-F-]{36})\s*(?:Path: ?(?P<Path>.*?)\s*)?",
    re.DOTALL,
)


def data(text: str, provider: str | None, event_id: str | None) -> Data:
    """Empty when the provider's texts are not known."""
    if "#012" in text and "\n" not in text:
        # As rsyslog writes control characters.
        text = text.replace("#015", "").replace("#012", "\n").replace("#011", "\t")
    if provider == "Microsoft-Windows-Sysmon":
        return {label: value for label, value in _pairs(text, SYSMON_LABELS) if value}
    if provider in ("Microsoft-Windows-Security-Auditing", "Microsoft-Windows-Eventlog", "Security"):
        return _security(text, event_id)
    if provider == "Service Control Manager" and event_id == "7045":
        return {SERVICE[label]: value for label, value in _pairs(text, SERVICE.keys()) if label in SERVICE}
    if provider == "Microsoft-Windows-PowerShell" and event_id == "4104":
        script = SCRIPT.fullmatch(text)
        return {name: value for name, value in script.groupdict().items() if value} if script else {}
    return {"Data": text} if provider == "PowerShell" else {}


def _pairs(text: str, labels: Collection[str]) -> Iterable[tuple[str, str]]:
    """Each `label: value` of a text in its order; a section's value is empty."""
    if "\n" not in text:
        return _flat_pairs(text.replace("\t", " "), labels)
    parts = (line.partition(":") for line in text.splitlines())
    return [(label.strip(), value.strip()) for label, colon, value in parts if colon]


def _flat_pairs(text: str, labels: Collection[str]) -> Iterator[tuple[str, str]]:
    """Of a text in one line: what stands before a colon ends with a label, or the colon is part of a value."""
    *pieces, rest = f"{text} ".split(": ")
    label, value = "", ""
    for piece in pieces:
        # Two blanks before a label are the rule; a value's last word, or a longer label, takes a closer look.
        blanks = piece.rfind("  ")
        tail = piece[blanks + 2 :] if blanks >= 0 else piece
        start = len(piece) - len(tail) if tail in labels else _label_start(piece, labels)
        if start is None:
            value += f"{piece}: "
            continue
        if label:
            yield label, (value + piece[:start]).strip()
        label, value = piece[start:], ""
    if label:
        yield label, (value + rest).strip()


def _label_start(piece: str, labels: Collection[str]) -> int | None:
    """Where the longest label starts that the piece ends with."""
    found, at = None, len(piece)
    for _ in range(MOST_WORDS):
        at = piece.rfind(" ", 0, at)
        if piece[at + 1 :] in labels:
            found = at + 1
        if at < 0:
            break
    return found


def _security(text: str, event_id: str | None) -> Data:
    whole = "\n" not in text
    if whole:
        text = EXPLAINED.split(text, maxsplit=1)[0]
    found: Data = {}
    names = PLAIN
    last = ""
    for label, value in _pairs(text, SECURITY_LABELS):
        if not value and label in SECTIONS:
            names = _names(label, event_id)
            continue
        name = names.get(label)
        if name and name not in found:
            # Two blanks end a value in one line, but for a command line, which may hold them.
            found[name] = value if name == "CommandLine" or not whole else value.partition("  ")[0]
            last = name
        elif whole and last == "CommandLine":
            # No label of Windows: the command line had it.
            found[last] += f" {label}: {value}"
    return found


def _names(section: str, event_id: str | None) -> Data:
    """What the labels of a section mean in this event."""
    if event_id in LOGS_OFF:
        return LABELS_LOGOFF
    return LABELS[section] | PACKET if event_id in PACKETS else LABELS[section]
