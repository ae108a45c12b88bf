r"""vcenter: VMware vCenter Server -> log-ins and events of its inventory.

In:   messages of vpxd (`Event [575792] [1-1] [stamp] [vim.event.UserLoginSessionEvent] [info] [user] [datacenter] [id]
      [text]`), of the single sign-on's audit in JSON, and of the appliance's own daemons
Out:  `user.*`, `client.*` and `source.*`, `event.action`, `log.logger` the class of the event, `vsphere.log.*`
Docs: vSphere Web Services API, Event; vSphere Authentication, "Auditing vCenter Single Sign-On Events"
"""

from __future__ import annotations

from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.event import TEXT, TEXTS, Columns
from ingest.lines import Context, Line, Parser
from ingest.parsers.esxi import FROM
from ingest.parsers.esxi import finish as account

EVENT = (
    r" *Event \[(?P<vsphere__log__event_id>[0-9]+)\] \[[^\]]*\] \[[^\]]*\] \[(?P<log__logger>[^\]]*)\] "
    r"\[(?P<log__level>[^\]]*)\] \[(?P<_actor>[^\]]*)\] \[(?P<vsphere__log__datacenter>[^\]]*)\] \[[^\]]*\] \["
)
WHO = r"(?P<_who>.+)@(?P<client__address>[^ @\]]+?)"
VM = r"(?P<vsphere__log__vm__name>.+?)"
END = r"\]?"

LOGIN = partial(Line, action="login", category=("authentication", "session"), type=("start",), outcome="success")
FAILED = partial(Line, action="login", category=("authentication",), type=("start",), outcome="failure")
LOGOUT = partial(Line, action="logout", category=("authentication", "session"), type=("end",), outcome="success")

# vim.event class -> action, category, type; "" is none
CLASSES = {
    **dict.fromkeys(("VmPoweredOnEvent", "VmStartingEvent"), ("vm-power-on", "host", "start")),
    **dict.fromkeys(("VmPoweredOffEvent", "VmStoppingEvent", "VmGuestShutdownEvent"), ("vm-power-off", "host", "end")),
    "VmRemovedEvent": ("vm-remove", "host", "deletion"),
    **dict.fromkeys(("VmCreatedEvent", "VmClonedEvent", "VmDeployedEvent"), ("vm-create", "host", "creation")),
    "VmReconfiguredEvent": ("vm-change", "configuration", "change"),
    "VmMigratedEvent": ("vm-move", "host", "change"),
    **dict.fromkeys(
        (
            "PermissionAddedEvent", "PermissionUpdatedEvent", "PermissionRemovedEvent", "RoleAddedEvent",
            "RoleUpdatedEvent", "RoleRemovedEvent",
        ),
        ("role-change", "iam", "admin"),
    ),
    "AccountCreatedEvent": ("user-create", "iam", "user"),
    "AccountRemovedEvent": ("user-delete", "iam", "user"),
    "AccountUpdatedEvent": ("user-change", "iam", "user"),
    "HostAddedEvent": ("host-add", "configuration", "creation"),
    "HostRemovedEvent": ("host-remove", "configuration", "deletion"),
    "TaskEvent": ("task", "", "info"),
    "AlarmStatusChangedEvent": ("alarm", "host", "info"),
}  # fmt: skip
ACTIONS = pa.array([action for action, _, _ in CLASSES.values()])
CATEGORIES = pa.array([[category] if category else None for _, category, _ in CLASSES.values()], TEXTS)
TYPES = pa.array([[kind] for _, _, kind in CLASSES.values()], TEXTS)


def finish(columns: Columns, context: Context) -> Columns:
    place = pc.index_in(pc.replace_substring(columns["log.logger"], "vim.event.", ""), pa.array(CLASSES))
    # PrincipalManagement -> principal-management
    kind = pc.utf8_lower(pc.replace_substring_regex(columns["_kind"], "([a-z])([A-Z])", r"\1-\2"))
    # 03/05/2026 01:15:04 GMT, of a line without a syslog header
    written = pc.replace_substring_regex(columns["_stamp"], r"^(..)/(..)/(....) (.{8}) GMT$", r"\3-\1-\2 \4Z")
    bare = pc.if_else(context.program.is_null(), written, pa.scalar(None, TEXT))
    return account(columns, context) | {
        "@timestamp": stamps.iso(bare, context.zone),
        "event.action": pc.coalesce(columns["event.action"], ACTIONS.take(place), kind),
        "event.category": pc.coalesce(columns["event.category"], CATEGORIES.take(place)),
        "event.type": pc.coalesce(columns["event.type"], TYPES.take(place)),
        "log.level": pc.utf8_lower(columns["log.level"]),
    }


JSON = (
    r'(?:[0-9T:.Z+-]+ )?\{"user":"(?P<_actor>[^"]*)","client":"(?P<client__address>[^"]*)",'
    r'"timestamp":"(?P<_stamp>[^"]*)","description":"'
)
REST = r'[^"]*","eventSeverity":"(?P<log__level>[A-Z]*)","type":"com\.vmware\.sso\.'

PARSER = Parser(
    module="vsphere",
    dataset="vsphere.log",
    programs=("vpxd", "vpxd-main", "vpxd-svcs", "applmgmt-audit", "applmgmt", "vmcad", "vmon", "updatemgr"),
    signature=r'(?:[0-9T:.Z+-]+ )?\{"user":"[^"]*","client":"[^"]*","timestamp":"[^"]*","description":"',
    lines=(
        LOGIN(EVENT + rf"User {WHO} logged in as (?P<user_agent__original>.*?)" + END),
        LOGOUT(
            EVENT + rf"User {WHO} logged out \(login time: .*?, number of API invocations: "
            r"(?P<vsphere__log__api__invocations>[0-9.,]+), user agent: (?P<user_agent__original>.*?)\)" + END
        ),
        FAILED(EVENT + rf"Cannot login (?:user )?{WHO}(?:: (?P<event__reason>[^@]*?))?" + END),
        FAILED(EVENT + r"[Ff]ailed login (?P<_who>.+) from (?P<client__address>[^ \]]+)(?: .*)?"),
        Line(EVENT + rf"{VM} on .+ in .+ (?P<event__reason>is [a-z]+ (?:on|off))" + END),
        Line(EVENT + r"(?P<event__reason>.*?)" + END),
        LOGIN(JSON + r"User (?P<_who>[^\"]+)@[^\"@ ]+ logged in" + REST + r'LoginSuccess"\}'),
        FAILED(
            JSON + r"User (?P<_who>[^\"]+?)(?:@[^\"@ :]+)? (?P<event__reason>failed to log in[^\"]*)" + REST
            + r'LoginFailure"\}'
        ),
        LOGOUT(JSON + r"User (?P<_who>[^\"]+)@[^\"@ ]+ logged out" + REST + r'Logout"\}'),
        Line(
            JSON + r'(?P<event__reason>(?:[^"\\]|\\.)*)","eventSeverity":"(?P<log__level>[A-Z]*)",'
            r'"type":"com\.vmware\.sso\.(?P<_kind>[A-Za-z]+)"\}',
            category=("iam",), type=("admin",),
        ),
        LOGIN(r".*VMCACheckAccessKrb: Authenticated user (?P<_who>.+)", action="certificate-login"),
        Line(
            r" *[0-9T:.-]+Z?: (?P<log__level>[A-Z]+) Authorization Result: User=(?P<_who>[^,]+), "
            r"priv=(?P<vsphere__log__privilege>[^,]+), authorized=True",
            action="authorization", category=("iam",), type=("info",), outcome="success",
        ),
        Line(
            r" *[0-9T:.-]+Z?: (?P<log__level>[A-Z]+) Authorization Result: User=(?P<_who>[^,]+), "
            r"priv=(?P<vsphere__log__privilege>[^,]+), authorized=False",
            action="authorization", category=("iam",), type=("denied",), outcome="failure",
        ),
        Line(r" *[0-9T:.-]+Z?(?:: | '(?P<log__logger>[^']+)' [0-9]+ )(?P<log__level>[A-Z]+) .*"),
        Line(FROM + r".*"),
    ),
    finish=finish,
)  # fmt: skip
