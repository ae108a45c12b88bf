"""windows_users: who acts, and on whom, in a Windows event.

In:   the event's header and data
Out:  `user.*`, `user.effective.*`, `user.target.*`, `group.*`, `winlog.logon.id`
Docs: Windows security auditing events, "Subject", "New Logon", "Target Account"; ECS, user field reuse
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest.columns import Mask, is_true, is_valid
from ingest.event import Columns
from ingest.vendors.event_data import EventData, base, each, where
from ingest.vendors.windows_actions import is_any

# Whose name stands in TargetUserName: who logs on; whom he becomes; the account worked on; the group worked on.
LOGS_ON = "4624 4625 4627 4634 4647 4768 4769 4770 4771 4776 4964"
BECOMES = "4648 4688"
ACCOUNT = "4670 4720 4722 4723 4724 4725 4726 4738 4740 4741 4742 4743 4767 4781 4797 4798 4817 4907"
GROUP = (
    "4727 4728 4729 4730 4731 4732 4733 4734 4735 4737 4744 4745 4746 4747 4748 4749 4750 4751 4752 4753 4754 4755 "
    "4756 4757 4758 4759 4760 4761 4762 4763 4764 4799"
)


def users(header: Columns, data: EventData, security: Mask) -> Columns:
    code = header["event_id"]
    logs_on, becomes, account, group = (security & is_any(code, ids) for ids in (LOGS_ON, BECOMES, ACCOUNT, GROUP))
    target = each(data.first("TargetUserName", "OldTargetUserName"), lambda name: name.split("@")[0] or None)
    target_id = data.first("TargetSid", "TargetUserSid")
    target_domain = data["TargetDomainName"]
    # DOMAIN\name in one value, by Sysmon and most channels beside Security.
    whole = data.first("User", "SourceUser", "Detection User", "UserContext", "AccountName")
    # 1149 of TerminalServices has no better names for its values.
    remote = is_any(code, "1149")
    whole = pc.coalesce(whole, _context_user(data), where(remote, data["Param1"]))
    subject = data["SubjectUserName"]
    # Sysmon's header says as whom Sysmon runs.
    writer = where(~is_true(pc.equal(header["provider"], "Microsoft-Windows-Sysmon")), header["user_name"])
    others = pc.coalesce(subject, each(whole, base), writer, where(security, target))
    others_domain = pc.coalesce(
        data.first("SubjectDomainName", "AccountDomain"), each(whole, _domain), where(remote, data["Param2"])
    )
    writer_domain = where(is_valid(writer), header["user_domain"])
    member = data["MemberName"]
    named = {
        "user.name": pc.if_else(pa.array(logs_on), target, others),
        "user.id": pc.if_else(
            pa.array(logs_on), target_id, pc.coalesce(data.first("SubjectUserSid", "UserSid"), header["user_id"])
        ),
        "user.domain": pc.if_else(pa.array(logs_on), target_domain, pc.coalesce(others_domain, writer_domain)),
        "user.effective.name": where(becomes, target),
        "user.effective.id": where(becomes & is_valid(target), target_id),
        "user.effective.domain": where(becomes, target_domain),
        "user.target.name": pc.coalesce(where(account, target), where(group, each(member, _common_name))),
        "user.target.id": pc.coalesce(where(account, target_id), where(group, data["MemberSid"])),
        "user.target.domain": where(account, target_domain),
        "group.name": where(group, data["TargetUserName"]),
        "group.id": where(group, data["TargetSid"]),
        "group.domain": where(group, target_domain),
    }
    logon = where(security, data["SubjectLogonId"])
    target_logon = where(security & is_any(code, "4624 4634 4647 4964"), data["TargetLogonId"])
    return {**named, "winlog.logon.id": pc.coalesce(target_logon, logon)}


def _context_user(data: EventData) -> pa.Array:
    """PowerShell writes who runs it among other lines: `User = DOMAIN\\name`."""
    context = data.first("ContextInfo", "param2", "Data")
    if context.null_count == len(context):
        return context
    found = pc.extract_regex(context, r"(?m)^[ \t]*User(?:Id)? ?= ?(?P<user>[^\r\n=]+?)[ \t]*\r?$")
    return pc.struct_field(found, "user")


def _domain(whole: str) -> str | None:
    return whole.rpartition("\\")[0] or None


def _common_name(distinguished: str) -> str | None:
    """`CN=An Nguyen,CN=Users,DC=example` -> `An Nguyen`."""
    first = distinguished.split(",")[0]
    return (first[3:] if first[:3].upper() == "CN=" else first) or None
