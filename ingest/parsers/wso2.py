r"""wso2: the log of WSO2 (API Manager, Enterprise and Micro Integrator, Identity Server), the usual LGSP axis -> ECS.

In:   carbon and audit log lines, `TID: [-1234] [] [stamp] INFO {class} - text`
Out:  `user.*`, `event.action`, `log.logger`, `wso2.*`; citizens' identity numbers masked
Docs: WSO2 API Manager, "Monitoring Audit Logs"; carbon log4j2.properties, CARBON_LOGFILE and AUDIT_LOGFILE
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.columns import is_true
from ingest.event import TEXTS, Columns
from ingest.formats import identity
from ingest.lines import Context, Line, Parser
from ingest.vendors.event_data import each, where

STAMP = r"\[(?P<_stamp>[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9:]{8}[.,][0-9]{3})\]"
TENANT = r"(?:TID: ?\[(?P<wso2__tenant__id>-?[0-9]+)\] (?:\[(?P<wso2__server>[^\]]*)\] )?)?"
HEAD = TENANT + STAMP + r"(?: \[[^\]]*\])* +(?P<log__level>[A-Z]+) +"
AUDIT = HEAD + r"(?:\{(?P<log__logger>AUDIT_LOG)\} +)?-+ +"
LOGGER = HEAD + r"\{(?P<log__logger>[^}]*)\} +-+ +"
AT = r" at \[[^\]]*\](?: from IP address (?P<source__address>[^ ]+))?.*"
WHO = r"(?P<_who>[^|]+?)"
# The name is greedy: what was typed may hold "' logged in at [", and only the last one is carbon's.
QUOTED = r"'(?P<_who>.*[^ ]) ?\[-?[0-9]+\]'"

LOGIN = partial(Line, action="login", category=("authentication", "session"), type=("start",), outcome="success")
FAILED = partial(Line, action="login", category=("authentication",), type=("start",), outcome="failure")
LOGOUT = partial(Line, action="logout", category=("authentication", "session"), type=("end",), outcome="success")

# What audit lines call an action -> event.action, category, type
MEANINGS = {
    **dict.fromkeys(("login", "logged-in", "authenticate"), ("login", "authentication", "start")),
    **dict.fromkeys(("logout", "logged-out"), ("logout", "authentication", "end")),
    **dict.fromkeys(("add-user", "create-user", "user-add"), ("user-create", "iam", "creation")),
    **dict.fromkeys(("delete-user", "user-delete"), ("user-delete", "iam", "deletion")),
    **dict.fromkeys(
        ("change-password-by-user", "update-credential", "password-update"), ("password-change", "iam", "change")
    ),
    **dict.fromkeys(
        ("change-password-by-administrator", "update-credential-by-admin"), ("password-reset", "iam", "change")
    ),
    **dict.fromkeys(
        ("update-roles-of-user", "update-users-of-role", "add-role", "update-permissions-of-role", "update-role-name"),
        ("role-grant", "iam", "change"),
    ),
    "delete-role": ("role-revoke", "iam", "deletion"),
    **dict.fromkeys(("created", "create-api"), ("api-publish", "configuration", "creation")),
    **dict.fromkeys(("updated", "lifecycle-changed", "update-api"), ("api-change", "configuration", "change")),
    **dict.fromkeys(("deleted", "delete-api"), ("api-retire", "configuration", "deletion")),
    **dict.fromkeys(("generated", "add-application-key"), ("api-key-issue", "configuration", "creation")),
    **dict.fromkeys(("revoked", "token-revoke"), ("api-key-revoke", "configuration", "deletion")),
}  # fmt: skip
KEYS = pa.array(MEANINGS)
ACTIONS = pa.array([action for action, _, _ in MEANINGS.values()])
CATEGORIES = pa.array([[category] for _, category, _ in MEANINGS.values()], TEXTS)
TYPES = pa.array([[kind] for _, _, kind in MEANINGS.values()], TEXTS)
# Of `{ Roles : [Internal/admin] }`, as the province's rules ask for it.
ROLES = r"Roles ?: ?\[? ?(?P<roles>[^\]|}]*[^\]|} ])"
OUTCOMES = {"success": "success", "failed": "failure", "failure": "failure", "in-progress": "unknown"}


def finish(columns: Columns, context: Context) -> Columns:
    action = pc.replace_substring_regex(pc.utf8_lower(columns["wso2.audit.action"]), "[ _]+", "-")
    place = pc.index_in(action, KEYS)
    category = CATEGORIES.take(place)
    of_account = is_true(pc.equal(pc.list_element(category.fill_null([""]), 0), "iam"))
    found = columns | {
        "@timestamp": stamps.iso(columns["_stamp"], context.zone),
        "user.name": each(columns["_who"], _name),
        "user.domain": each(columns["_who"], lambda who: who.rpartition("@")[2] if "@" in who else None),
        "user.target.name": where(of_account, columns["wso2.audit.target"]),
        "soc.audit.role": pc.struct_field(pc.extract_regex(columns["wso2.audit.data"], ROLES), "roles"),
        "event.action": pc.coalesce(columns["event.action"], ACTIONS.take(place), action),
        "event.category": pc.coalesce(columns["event.category"], category),
        "event.type": pc.coalesce(columns["event.type"], TYPES.take(place)),
        "event.outcome": pc.coalesce(
            columns["event.outcome"], each(columns["_result"], lambda result: OUTCOMES.get(result.strip().lower()))
        ),
        "log.level": pc.utf8_lower(columns["log.level"]),
    }
    return found | identity.masked(found)


def _name(who: str) -> str:
    """Of `PRIMARY/an@carbon.super`: user store, name and tenant."""
    name = who.rpartition("/")[2]
    return name.rpartition("@")[0] or name


LINES = (
    Line(
        AUDIT + rf"Initiator ?: ?{WHO} \| Action ?: ?(?P<wso2__audit__action>[^|]+?) \| "
        r"Target ?: ?(?P<wso2__audit__target>[^|]*?) \| Data ?: ?(?P<wso2__audit__data>.*) \| "
        r"Result ?: ?(?P<_result>[A-Za-z -]+?) *"
    ),
    Line(
        AUDIT + r'\{"performedBy":"(?P<_who>[^"]*)","action":"(?P<wso2__audit__action>[^"]*)",'
        r'"typ":"(?P<wso2__audit__target>[^"]*)","info":"(?P<wso2__audit__data>.*)"\}.*',
        outcome="success",
    ),
    LOGIN(LOGGER + QUOTED + " logged in" + AT),
    LOGOUT(LOGGER + QUOTED + " logged out" + AT),
    FAILED(LOGGER + rf"Failed (?:Administrator )?login attempt {QUOTED}" + AT),
    Line(LOGGER + r".*"),
    Line(AUDIT + r".*"),
)  # fmt: skip

PARSER = Parser(
    module="wso2",
    dataset="wso2.carbon",
    programs=("wso2", "wso2am", "wso2ei", "wso2mi", "wso2is", "wso2carbon", "carbon"),
    signature=r"TID: ?\[-?[0-9]+\] |\[20[0-9-]{8}[ T][0-9:]{8}[.,][0-9]{3}\] +[A-Z]+ +"
    r"(?:\{(?:AUDIT_LOG|org\.|com\.)|- +Initiator ?:)",
    # The message whole, so that it is masked like its parts.
    lines=tuple(replace(line, pattern=f"(?P<message>{line.pattern})") for line in LINES),
    finish=finish,
)
