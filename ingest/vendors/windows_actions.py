"""windows_actions: what a Windows event id means in ECS.

In:   channel and event id
Out:  `event.category`, `event.type`, `event.action`
Docs: the event ids of Windows security auditing; Sysmon, "Events"; the categories that Winlogbeat's modules document
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from ingest.columns import Mask, is_true
from ingest.event import TEXTS, Columns

Meaning = tuple[tuple[str, ...], tuple[str, ...], str]

SYSMON = "microsoft-windows-sysmon/operational"
DEFENDER = "microsoft-windows-windows defender/operational"
TASKS = "microsoft-windows-taskscheduler/operational"
SESSIONS = "microsoft-windows-terminalservices-localsessionmanager/operational"
CONNECTIONS = "microsoft-windows-terminalservices-remoteconnectionmanager/operational"
POWERSHELL = "microsoft-windows-powershell/operational"

# channel, category, type, then the event ids of each action
TABLE: tuple[tuple[str, str, str, dict[str, str]], ...] = (
    ("security", "process", "end", {"logging-service-shutdown": "1100"}),
    ("security", "iam", "admin change", {"audit-log-cleared": "1102"}),
    ("security", "iam", "admin", {
        "logging-full": "1104", "auditlog-archieved": "1105", "logging-processing-error": "1108",
        "logged-in-special": "4672", "privileged-service-called": "4673", "privileged-operation": "4674",
    }),
    ("security", "configuration", "access", {
        "authentication-package-loaded": "4610", "notification-package-loaded": "4614",
        "security-package-loaded": "4622",
    }),
    ("security", "configuration", "change", {
        "trusted-logon-process-registered": "4611", "system-time-changed": "4616", "kerberos-policy-changed": "4713",
        "encrypted-data-recovery-policy-changed": "4714", "object-audit-policy-changed": "4715",
        "trusted-domain-information-changed": "4716", "domain-policy-changed": "4739",
        "windows-firewall-rule-added": "4946", "windows-firewall-rule-modified": "4947",
        "windows-firewall-rule-deleted": "4948", "windows-firewall-setting-changed": "4950",
        "windows-firewall-group-policy-changed": "4954", "windows-filtering-platform-filter-changed": "5447",
    }),
    ("security", "configuration", "creation", {"domain-trust-added": "4706"}),
    ("security", "configuration", "deletion", {"domain-trust-removed": "4707"}),
    ("security", "authentication", "start", {
        "logged-in": "4624", "logon-failed": "4625", "logged-in-explicit": "4648",
        "group-membership-information": "4627",
        "kerberos-authentication-ticket-requested": "4768", "kerberos-service-ticket-requested": "4769",
        "kerberos-service-ticket-renewed": "4770", "kerberos-preauth-failed": "4771", "credential-validated": "4776",
    }),
    ("security", "authentication", "end", {"logged-out": "4634 4647"}),
    ("security", "authentication session", "start", {"session-reconnected": "4778", "workstation-unlocked": "4801"}),
    ("security", "authentication session", "end", {"session-disconnected": "4779", "workstation-locked": "4800"}),
    ("security", "file", "access", {
        "handle-requested": "4656 4661", "object-handle-closed": "4658", "object-accessed": "4663",
        "handle-duplicated": "4690",
    }),
    ("security", "file", "deletion", {"object-deleted": "4660"}),
    ("security", "registry configuration", "change", {"registry-value-modified": "4657"}),
    ("security", "iam configuration", "admin change", {
        "object-operation-performed": "4662", "permissions-changed": "4670", "service-installed": "4697",
        "user-right-assigned": "4704", "user-right-removed": "4705", "token-right-adjusted": "4703",
        "system-security-access-granted": "4717", "changed-audit-config": "4719", "object-audit-changed": "4817",
        "security-event-source-added": "4904", "crash-on-audit-changed": "4906", "audit-setting-changed": "4907",
        "special-group-table-changed": "4908", "per-user-audit-policy-changed": "4912",
        "directory-service-object-modified": "5136",
    }),
    ("security", "iam configuration", "admin creation", {
        "user-audit-policy-created": "4902", "directory-service-object-created": "5137",
    }),
    ("security", "iam configuration", "admin deletion", {
        "system-security-access-removed": "4718", "security-event-source-removed": "4905",
        "directory-service-object-deleted": "5141",
    }),
    ("security", "process", "start", {"created-process": "4688", "windows-firewall-service-started": "5024"}),
    ("security", "process", "end", {"exited-process": "4689", "windows-firewall-service-stopped": "5025"}),
    ("security", "driver", "start", {"windows-firewall-driver-started": "5033"}),
    ("security", "driver", "end", {
        "windows-firewall-driver-stopped": "5034", "windows-firewall-driver-error": "5037",
    }),
    ("security", "iam configuration", "creation admin", {"scheduled-task-created": "4698"}),
    ("security", "iam configuration", "deletion admin", {"scheduled-task-deleted": "4699"}),
    ("security", "iam configuration", "change admin", {
        "scheduled-task-enabled": "4700", "scheduled-task-disabled": "4701", "scheduled-task-updated": "4702",
    }),
    ("security", "iam", "user creation", {"added-user-account": "4720"}),
    ("security", "iam", "user change", {
        "enabled-user-account": "4722", "changed-password": "4723", "reset-password": "4724",
        "modified-user-account": "4738", "locked-out-user-account": "4740", "unlocked-user-account": "4767",
        "renamed-user-account": "4781", "set-recovery-password": "4794",
    }),
    ("security", "iam", "user deletion", {"disabled-user-account": "4725", "deleted-user-account": "4726"}),
    ("security", "iam", "user info", {
        "query-existence-of-blank-password": "4797", "group-membership-enumerated": "4798",
        "credential-manager-credentials-were-read": "5379", "vault-credential-find": "5380",
        "vault-credentials-were-read": "5381 5382",
    }),
    ("security", "iam", "group info", {"user-member-enumerated": "4799"}),
    ("security", "iam", "admin group", {"logged-in-special": "4964"}),
    ("security", "iam", "group creation", {
        "added-group-account": "4727 4731 4754", "added-distribution-group-account": "4744 4749 4759",
    }),
    ("security", "iam", "group change", {
        "added-member-to-group": "4728 4732 4756", "removed-member-from-group": "4729 4733 4757",
        "modified-group-account": "4735 4737 4755", "type-changed-group-account": "4764",
        "changed-distribution-group-account": "4745 4750 4760",
        "added-member-to-distribution-group": "4746 4751 4761",
        "removed-member-from-distribution-group": "4747 4752 4762",
    }),
    ("security", "iam", "group deletion", {
        "deleted-group-account": "4730 4734 4758", "deleted-distribution-group-account": "4748 4753 4763",
    }),
    ("security", "iam", "creation admin", {"added-computer-account": "4741"}),
    ("security", "iam", "change admin", {"changed-computer-account": "4742"}),
    ("security", "iam", "deletion admin", {"deleted-computer-account": "4743"}),
    ("security", "network file", "info access", {
        "network-share-object-accessed": "5140", "network-share-object-access-checked": "5145",
    }),
    ("security", "network configuration", "creation", {"network-share-object-added": "5142"}),
    ("security", "network configuration", "deletion", {"network-share-object-deleted": "5144"}),
    ("security", "network", "connection start allowed", {
        "windows-firewall-connection": "5156", "windows-firewall-listen": "5154",
        "windows-firewall-bind": "5158",
    }),
    ("security", "network", "connection denied", {
        "windows-firewall-packet-block": "5152", "windows-firewall-connection-block": "5157",
        "windows-firewall-listen-block": "5155", "windows-firewall-bind-block": "5159",
        "windows-firewall-application-blocked": "5031",
    }),
    (SYSMON, "process", "start", {"Process creation": "1"}),
    (SYSMON, "file", "change", {"A process changed a file creation time": "2"}),
    (SYSMON, "network", "start connection protocol", {"Network connection": "3"}),
    (SYSMON, "process", "change", {
        "Sysmon service state changed": "4", "Image loaded": "7", "CreateRemoteThread": "8",
        "WmiEvent (WmiEventConsumer activity detected)": "20", "ProcessTampering (Process image change)": "25",
    }),
    (SYSMON, "process", "end", {"Process terminated": "5"}),
    (SYSMON, "driver", "start", {"Driver loaded": "6"}),
    (SYSMON, "process", "access", {
        "RawAccessRead": "9", "ProcessAccess": "10", "WmiEvent (WmiEventConsumerToFilter activity detected)": "21",
    }),
    (SYSMON, "file", "creation", {
        "FileCreate": "11", "PipeEvent (Pipe Created)": "17", "FileBlockExecutable": "27",
        "FileExecutableDetected": "29",
    }),
    (SYSMON, "configuration registry", "change", {
        "RegistryEvent (Object create and delete)": "12", "RegistryEvent (Value Set)": "13",
        "RegistryEvent (Key and Value Rename)": "14",
    }),
    (SYSMON, "file", "access", {"FileCreateStreamHash": "15", "PipeEvent (Pipe Connected)": "18"}),
    (SYSMON, "configuration", "change", {"ServiceConfigurationChange": "16"}),
    (SYSMON, "process", "info", {"WmiEvent (WmiEventFilter activity detected)": "19"}),
    (SYSMON, "network", "connection protocol info", {"DNSEvent (DNS query)": "22"}),
    (SYSMON, "file", "deletion", {
        "FileDelete (File Delete archived)": "23", "FileDeleteDetected (File Delete logged)": "26",
        "FileBlockShredding": "28",
    }),
    (SYSMON, "", "change", {"ClipboardChange (New content in the clipboard)": "24"}),
    (SYSMON, "process", "", {"Error": "255"}),
    ("system", "configuration", "creation", {"service-installed": "7045"}),
    ("system", "configuration", "change", {"service-start-type-changed": "7040", "audit-log-cleared": "104"}),
    ("system", "process", "info", {"service-state-changed": "7036"}),
    ("system", "process", "end", {"service-terminated-unexpectedly": "7031 7034"}),
    ("system", "host", "start", {"event-log-started": "6005"}),
    ("system", "host", "end", {
        "event-log-stopped": "6006", "shutdown-initiated": "1074", "shutdown-unexpected": "6008",
    }),
    (DEFENDER, "malware", "info", {"malware-detected": "1006 1015 1116", "malware-action-taken": "1007 1117"}),
    (DEFENDER, "malware", "error", {"malware-action-failed": "1008 1118 1119"}),
    (DEFENDER, "configuration", "change", {
        "protection-disabled": "5001 5010 5012", "protection-configuration-changed": "5007",
        "tamper-attempt-blocked": "5013",
    }),
    (TASKS, "configuration", "creation", {"scheduled-task-registered": "106"}),
    (TASKS, "configuration", "change", {"scheduled-task-updated": "140"}),
    (TASKS, "configuration", "deletion", {"scheduled-task-deleted": "141"}),
    (TASKS, "process", "start", {"scheduled-task-started": "100", "scheduled-task-action-started": "200"}),
    (TASKS, "process", "end", {"scheduled-task-completed": "102", "scheduled-task-action-completed": "201"}),
    (SESSIONS, "authentication session", "start", {"session-logged-in": "21", "session-reconnected": "25"}),
    (SESSIONS, "authentication session", "end", {"session-logged-out": "23", "session-disconnected": "24"}),
    (CONNECTIONS, "authentication session", "start", {"remote-desktop-authenticated": "1149"}),
    (POWERSHELL, "process", "info", {"command-executed": "4103", "script-block-executed": "4104"}),
    (POWERSHELL, "process", "start", {"script-block-started": "4105"}),
    (POWERSHELL, "process", "end", {"script-block-completed": "4106"}),
    ("windows powershell", "process", "start", {"engine-started": "400"}),
    ("windows powershell", "process", "end", {"engine-stopped": "403"}),
    ("windows powershell", "process", "info", {"provider-started": "600", "pipeline-executed": "800"}),
)  # fmt: skip


def _meanings() -> Iterator[tuple[str, Meaning]]:
    for channel, categories, types, actions in TABLE:
        for action, ids in actions.items():
            for event_id in ids.split():
                yield f"{channel} {event_id}", (tuple(categories.split()), tuple(types.split()), action)


MEANINGS = dict(_meanings())
_PLACES = pa.array(MEANINGS)
_CATEGORIES = pa.array([list(categories) or None for categories, _, _ in MEANINGS.values()], TEXTS)
_TYPES = pa.array([list(types) or None for _, types, _ in MEANINGS.values()], TEXTS)
_ACTIONS = pa.array([action for _, _, action in MEANINGS.values()])


def meaning(channel: pa.Array, event_id: pa.Array) -> Columns:
    """Null where the table has no such event."""
    place = pc.index_in(pc.binary_join_element_wise(pc.utf8_lower(channel), event_id, " "), _PLACES)
    return {
        "event.category": _CATEGORIES.take(place),
        "event.type": _TYPES.take(place),
        "event.action": _ACTIONS.take(place),
    }


def is_any(event_id: pa.Array, ids: str) -> Mask:
    """Which events have one of these ids, written with blanks between."""
    return is_true(pc.is_in(event_id, pa.array(ids.split())))
