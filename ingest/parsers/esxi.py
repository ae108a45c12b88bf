r"""esxi: VMware ESXi -> log-ins, shell commands, changes of the host.

In:   messages of hostd, vpxa, vobd, vmkernel, the shell and their kin
Out:  `user.*`, `client.*` and `source.*`, `process.command_line`, `log.logger`, `vsphere.log.*`
Docs: VMware vSphere Monitoring and Performance, "System Log Files"; ESXi events, vim.event.*, esx.audit.*

The daemons write `level daemon[thread] [Originator@6876 sub=... opID=... user=...] text`.
"""

from __future__ import annotations

from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from ingest.event import TEXT, Columns
from ingest.lines import Context, Line, Parser
from ingest.vendors.event_data import each

FROM = (
    r"(?P<log__level>[a-z]+) [a-zA-Z-]+\[[0-9A-Fa-f]+\] \[Originator@6876 sub=(?P<log__logger>[^ \]]+)"
    r"(?: opID=(?P<vsphere__log__op_id>[^ \]]+))?(?: user=(?P<_actor>[^\]]*))?[^\]]*\] "
)
# hostd's own words, and vobd's: `[UserLevelCorrelator] 123us: [esx.audit.ssh.enabled] SSH access has been enabled.`
VOB = r"\[[A-Za-z]+\] [0-9]+us: \[(?P<event__code>[a-z0-9.]+)\] "
SAID = rf"(?:{FROM}(?:Event (?P<vsphere__log__event_id>[0-9]+) : )?|{VOB})"
WHO = r"(?P<_who>.+)@(?P<client__address>[^ @']+)"
NAME = r"(?P<_who>.+)"

LOGIN = partial(Line, action="login", category=("authentication", "session"), type=("start",), outcome="success")
FAILED = partial(Line, action="login", category=("authentication",), type=("start",), outcome="failure")
LOGOUT = partial(Line, action="logout", category=("authentication", "session"), type=("end",), outcome="success")
CHANGE = partial(Line, category=("configuration",), type=("change",), outcome="success")

OUTCOMES = pa.array(["success", "failure"])
# Where a command lies that the shell's log names without its path.
COMMANDS = ("esxcli", "localcli", "vim-cmd", "vsish", "vmkfstools", "esxcfg-advcfg", "esxcfg-info", "vmdumper")


def finish(columns: Columns, context: Context) -> Columns:
    """What the header says of who asked counts where the text names no one."""
    who = each(pc.coalesce(columns["_who"], columns["_actor"]), lambda text: None if text == "n/a" else text)
    outcome = columns["event.outcome"]
    return {
        "user.name": pc.coalesce(columns["user.name"], each(who, _name)),
        "user.domain": each(who, _domain),
        "source.address": columns["client.address"],
        "process.executable": each(columns["process.command_line"], _executable),
        "event.outcome": pc.if_else(pc.is_in(outcome, OUTCOMES), outcome, pa.scalar(None, TEXT)),
    }


def _name(who: str) -> str | None:
    r"""Of `root`, `EXAMPLE\\an`, `an@EXAMPLE` and `vpxuser:EXAMPLE\\an`."""
    return who.rpartition("\\")[2].partition("@")[0] or None


def _domain(who: str) -> str | None:
    domain = who.rpartition("\\")[0] or who.partition("@")[2]
    return domain.rpartition(":")[2] or None


def _executable(command: str) -> str | None:
    first = command.split(" ", 1)[0]
    return f"/bin/{first}" if first in COMMANDS else first if first.startswith("/") else None


PARSER = Parser(
    module="vsphere",
    dataset="vsphere.log",
    programs=(
        "hostd", "vpxa", "vobd", "vmkernel", "vmkwarning", "shell", "esxshell", "dcui", "fdm", "rhttpproxy",
        "hostd-probe", "vsanmgmtsvc", "vmauthd", "esxupdate", "storagerm", "smad", "sdrsinjector", "healthd",
    ),
    lines=(
        LOGIN(SAID + rf"User {WHO} logged in as (?P<user_agent__original>.*)"),
        LOGOUT(
            SAID + rf"User {WHO} logged out \(login time: .*?, number of API invocations: "
            r"(?P<vsphere__log__api__invocations>[0-9.,]+), user agent: (?P<user_agent__original>.*)\)"
        ),
        LOGIN(SAID + rf"Accepted password for user {NAME} from (?P<client__address>[^ ]+)"),
        FAILED(SAID + rf"Rejected password for user {NAME} from (?P<client__address>[^ ]+)"),
        FAILED(SAID + rf"Cannot login (?:user )?{WHO}(?:: (?P<event__reason>[^@]*))?"),
        LOGIN(SAID + rf"SSH session was opened for '{WHO}'\.?", fields={"network.protocol": "ssh"}),
        LOGOUT(SAID + rf"SSH session was closed for '{WHO}'\.?", fields={"network.protocol": "ssh"}),
        FAILED(SAID + rf"SSH login has failed for '{WHO}'\.?", fields={"network.protocol": "ssh"}),
        Line(
            SAID + r"Remote access for ESXi local user account '(?P<user__name>[^']+)' has been locked for .*",
            action="account-lock", category=("iam",), type=("user", "change"),
        ),
        Line(
            SAID
            + r"(?P<event__reason>Account (?P<user__target__name>[^ ]+) was (?:created|updated|removed) on host .*)",
            action="account-change", category=("iam",), type=("user", "change"), outcome="success",
        ),
        Line(
            SAID + r"(?P<event__reason>Password was changed for account (?P<user__target__name>[^ ]+) on host .*)",
            action="password-change", category=("iam",), type=("user", "change"), outcome="success",
        ),
        CHANGE(
            SAID + r"(?P<event__reason>SSH (?:access|for the host .*) has been (?:enabled|disabled))\.?",
            action="ssh-access-change",
        ),
        CHANGE(
            SAID + r"(?P<event__reason>(?:The )?ESXi (?:command line )?[Ss]hell (?:for the host .* )?has been "
            r"(?:enabled|disabled).*)",
            action="shell-access-change",
        ),
        CHANGE(SAID + r"(?P<event__reason>Firewall configuration has changed\..*)", action="firewall-change"),
        CHANGE(
            SAID + r"(?P<event__reason>(?:Host|Administrator access to the host) .*(?:lockdown|Lockdown).*)",
            action="lockdown-change",
        ),
        CHANGE(SAID + r"(?P<event__reason>The host's image profile.*acceptance level.*)", action="acceptance-change"),
        Line(
            SAID + r"(?P<event__reason>(?P<vsphere__log__vm__name>.+) on .+ in .+ is "
            r"(?:powered on|powered off|starting|suspended|stopping|reset))\.?",
            action="vm-power-change", category=("host",), type=("change",), outcome="success",
        ),
        Line(
            r"\[shell\.cmd@6876 subject=\"(?P<_who>[^\"]*)\" object=\"[^\"]*\" "
            r"command=\"(?P<process__command_line>.*)\" result=\"(?P<event__outcome>[^\"]*)\" "
            r"status=\"(?P<process__exit_code>[^\"]*)\".*",
            action="shell-command", category=("process",), type=("start",),
        ),
        Line(
            r"\[(?P<_who>[^\]= ]+)\]: (?P<process__command_line>.*)",
            action="shell-command", category=("process",), type=("start",),
        ),
        Line(r"Interactive shell session started", action="shell-open", category=("session",), type=("start",)),
        Line(r"Interactive shell session ended", action="shell-close", category=("session",), type=("end",)),
        Line(SAID + r".*"),
    ),
    finish=finish,
)  # fmt: skip
