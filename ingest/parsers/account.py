r"""account: users and groups made, changed and deleted by the shadow tools.

In:   messages of useradd, userdel, usermod, groupadd, groupdel, groupmod, gpasswd, passwd, chpasswd, chage, chfn, chsh
Out:  `user.target.name` and `user.name` (these lines do not say who acts), `group.name`
Docs: shadow src/useradd.c, usermod.c, gpasswd.c; ECS event.category "iam"
"""

from __future__ import annotations

from functools import partial

import pyarrow.compute as pc

from ingest.event import Columns
from ingest.lines import Context, Line, Parser

USER = r"(?P<user__target__name>.*?)"
GROUP = r"(?P<group__name>.*?)"
BY = r"(?P<user__name>.*)"

IAM = partial(Line, category=("iam",), outcome="success")
ADDED = partial(IAM, action="group-member-add", type=("group", "change"))
REMOVED = partial(IAM, action="group-member-delete", type=("group", "change"))
GROUP_ADDED = partial(IAM, action="group-add", type=("group", "creation"))
GROUP_DELETED = partial(IAM, action="group-delete", type=("group", "deletion"))
CHANGED = partial(IAM, action="user-change", type=("user", "change"))
PASSWORD = partial(IAM, action="password-change", type=("user", "change"))


def finish(columns: Columns, context: Context) -> Columns:
    """Where the tool does not name its caller, `user.name` is the account too, as Beats has it."""
    return {
        "user.name": pc.coalesce(columns["user.name"], columns["user.target.name"]),
        "user.target.id": columns["user.id"],
    }


PARSER = Parser(
    module="linux",
    dataset="linux.account",
    programs=(
        "useradd",
        "userdel",
        "usermod",
        "groupadd",
        "groupdel",
        "groupmod",
        "gpasswd",
        "passwd",
        "chpasswd",
        "chage",
        "chfn",
        "chsh",
        "adduser",
        "newusers",
    ),
    lines=(
        IAM(
            rf"new user: name={USER}, UID=(?P<user__id>[0-9]+), GID=(?P<group__id>[0-9]+), "
            r"home=(?P<system__auth__useradd__home>.*?), shell=(?P<system__auth__useradd__shell>[^,]*)(?:, from=.*)?",
            action="user-add",
            type=("user", "creation"),
        ),
        IAM(
            rf"failed adding user '{USER}'(?:, (?P<event__reason>.*))?",
            action="user-add",
            type=("user", "creation"),
            outcome="failure",
        ),
        IAM(rf"delete user '{USER}'", action="user-delete", type=("user", "deletion")),
        GROUP_ADDED(rf"new group: name={GROUP}, GID=(?P<group__id>[0-9]+)"),
        GROUP_ADDED(rf"group added to /etc/g(?:roup|shadow): name={GROUP}(?:, GID=(?P<group__id>[0-9]+))?"),
        GROUP_DELETED(rf"removed (?:shadow )?group '{GROUP}'(?: owned by '{USER}')?"),
        GROUP_DELETED(rf"group '{GROUP}' removed(?: from .*)?"),
        ADDED(rf"add '{USER}' to (?:shadow )?group '{GROUP}'"),
        ADDED(rf"user {USER} added by {BY} to group {GROUP}"),
        ADDED(rf"add member {USER} to group {GROUP} by {BY}"),
        REMOVED(rf"delete '{USER}' from (?:shadow )?group '{GROUP}'"),
        REMOVED(rf"user {USER} removed by {BY} from group {GROUP}"),
        REMOVED(rf"remove member {USER} from group {GROUP} by {BY}"),
        PASSWORD(rf"password for '{USER}' changed by '{BY}'"),
        PASSWORD(rf"password changed for {USER}"),
        PASSWORD(rf"change user '{USER}' password"),
        CHANGED(rf"(?P<event__reason>lock|unlock) user '{USER}' password"),
        CHANGED(rf"change user '{USER}' (?P<event__reason>.*)"),
        CHANGED(rf"(?P<event__reason>change user name) '.*?' to '{USER}'"),
        CHANGED(rf"changed user '{USER}' (?P<event__reason>.*)"),
        CHANGED(rf"changed (?P<event__reason>password expiry) for {USER}"),
    ),
    finish=finish,
)
