"""audit_fields: pairs of an audit event -> ECS columns.

In:   `Pairs` whose lines are numbered 0, 1, 2, ... without a gap
Out:  dotted ECS columns, one row a line; what ECS lacks as `auditd.log.*` in `vendor`
Docs: audit "Audit Event Fields"; Beats, auditd module
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.columns import Mask, is_true, is_valid
from ingest.event import MAP, TEXT, TEXTS, Columns
from ingest.formats import epochs
from ingest.formats.labels import mapped
from ingest.vendors.audit_actions import ARCHITECTURES, DIRECTIONS, NUMBERED, RECORDS, SYSCALLS
from ingest.vendors.audit_records import Pairs, socket_address

NAMES = {
    "host.name": ("_node",),
    "user.name": ("acct", "user", "ID", "UID"),
    "user.id": ("uid",),
    "user.group.id": ("gid",),
    "user.audit.id": ("auid",),
    "user.audit.name": ("AUID",),
    "user.audit.group.id": ("agid",),
    "user.effective.id": ("euid",),
    "user.effective.name": ("EUID",),
    "user.effective.group.id": ("egid",),
    "user.saved.id": ("suid",),
    "user.saved.group.id": ("sgid",),
    "user.filesystem.id": ("fsuid",),
    "user.filesystem.group.id": ("fsgid",),
    "user.owner.id": ("ouid",),
    "user.owner.group.id": ("ogid",),
    "user.terminal": ("terminal",),
    "process.name": ("comm",),
    "process.executable": ("exe",),
    "process.pid": ("pid",),
    "process.parent.pid": ("ppid",),
    "process.parent.name": ("PPID.comm",),
    "process.parent.executable": ("PPID.exe",),
    "process.exit_code": ("exit",),
    "process.working_directory": ("cwd",),
    "process.args_count": ("argc",),
    "source.address": ("src", "addr", "saddr"),
    "source.port": ("sport", "rport"),
    "destination.address": ("dst", "daddr"),
    "destination.port": ("dport",),
}
"""Field -> the keys that fill it, the surest first; of two pairs of one key the first in the line counts."""
OF_TABLE = frozenset(key for keys in NAMES.values() for key in keys)
ELSEWHERE = frozenset(("res", "arch", "ARCH", "syscall", "SADDR", "saddr_fam", "laddr", "lport"))
"""Keys that become columns of their own."""
NO_ONE = pa.array(["unset", "unknown"])
# Records about an account that a program acts for; about one that is changed; about a group.
FOR_ACCOUNT = (
    *("CRED_ACQ", "CRED_DISP", "CRED_REFR", "GRP_AUTH", "USER_ACCT", "USER_AUTH", "USER_END", "USER_ERR"),
    *("USER_LOGIN", "USER_LOGOUT", "USER_START"),
)
ON_ACCOUNT = ("ACCT_LOCK", "ACCT_UNLOCK", "ADD_USER", "DEL_USER", "USER_CHAUTHTOK", "USER_MGMT")
ON_GROUP = ("ADD_GROUP", "DEL_GROUP", "GRP_CHAUTHTOK", "GRP_MGMT")
# The most telling record of several comes first.
TELLING = ("EXECVE", "PATH", "SYSCALL")
SUCCESS, FAILURE = (
    pa.array(["success", "yes", "1", "true"]),
    pa.array(["failed", "fail", "failure", "no", "0", "false"]),
)
AVC = r"avc: +(?P<seresult>denied|granted) +\{ (?P<seperms>[^}]*?) *\}"


class AuditEvent:
    """The pairs of `lines` lines, and their columns by key."""

    def __init__(self, pairs: Pairs, lines: int) -> None:
        self.pairs, self.lines = pairs, lines
        encoded = pairs.key.dictionary_encode()
        self._codes = encoded.indices.to_numpy()
        self._code = {name: code for code, name in enumerate(encoded.dictionary.to_pylist())}
        self._valid = is_valid(pairs.value)

    def where(self, key: str, record: str | None = None) -> Mask:
        """The pairs of a key (of one type of record) that have a value."""
        found: Mask = (self._codes == self._code.get(key, -1)) & self._valid
        return found & is_true(pc.equal(self.pairs.record, record)) if record else found

    def first(self, pairs: Mask) -> pa.Array:
        """The value of each line's first pair of these."""
        at = np.flatnonzero(pairs)
        lines, index = np.unique(self.pairs.line[at], return_index=True)
        place = np.full(self.lines, -1, dtype=np.int64)
        place[lines] = at[index]
        return self.pairs.value.take(pa.array(place, mask=place < 0))

    def is_(self, value: str) -> Mask:
        """The pairs of that value."""
        return is_true(pc.equal(self.pairs.value, value))

    def get(self, *keys: str) -> pa.Array:
        return pc.coalesce(*(self.first(self.where(key)) for key in keys))

    def has_record(self, name: str) -> pa.Array:
        has = np.zeros(self.lines, dtype=np.bool_)
        has[self.pairs.line[is_true(pc.equal(self.pairs.record, name))]] = True
        return pa.array(has)


def columns_of(pairs: Pairs, lines: int) -> Columns:
    event = AuditEvent(pairs, lines)
    nothing = pa.scalar(None, TEXT)
    kind = event.get("_type")
    for name in reversed(TELLING):
        kind = pc.if_else(event.has_record(name), name, kind)
    columns = {field: event.get(*keys) for field, keys in NAMES.items()}
    for field in ("user.name", "user.effective.name", "user.audit.name"):
        columns[field] = pc.if_else(pc.is_in(columns[field], NO_ONE), nothing, columns[field])
    machine = _named(event.get("arch", "ARCH"), ARCHITECTURES)
    call = pc.if_else(event.has_record("SYSCALL"), _syscall(event, machine), nothing)
    direction = _named(call, DIRECTIONS, keep=False)
    # journald, which drops the head of a record, gets the serial 0 from us.
    serial = pc.if_else(pc.equal(event.get("_serial"), "0"), nothing, event.get("_serial"))
    sockets = _socket(event, direction)
    with_socket = event.has_record("SOCKADDR")
    return {
        **columns,
        **{name: pc.if_else(with_socket, column, columns.get(name, column)) for name, column in sockets.items()},
        "@timestamp": epochs.seconds(pc.if_else(serial.is_valid(), event.get("_seconds"), nothing)),
        "host.architecture": machine,
        "network.direction": direction,
        "auditd.log.initiated": mapped(direction, {"egress": "true", "ingress": "false"}),
        "event.outcome": _outcome(event),
        **_meaning(event, kind, call),
        **_people(event, kind, columns),
        **_process(event, columns),
        "file.path": _path(event, columns["process.working_directory"]),
        "vendor": _vendor(event),
        "auditd.log.record_type": kind,
        "auditd.log.syscall": call,
        "auditd.log.sequence": serial,
        "auditd.log.node": columns["host.name"],
    }


def _named(text: pa.Array, names: dict[str, str], keep: bool = True) -> pa.Array:
    """Each value by its name in the table; one that is not there stays, or is null."""
    bare = pc.replace_substring_regex(text, "^0x", "")
    found = pa.array(list(names.values())).take(pc.index_in(bare, pa.array(list(names))))
    return pc.coalesce(found, text) if keep else found


def _syscall(event: AuditEvent, machine: pa.Array) -> pa.Array:
    number = event.get("syscall")
    key = pc.binary_join_element_wise(machine, number, " ")
    names = {f"{machine} {number}": name for (machine, number), name in NUMBERED.items()}
    return pc.coalesce(event.get("SYSCALL"), _named(key, names, keep=False), number)


def _outcome(event: AuditEvent) -> pa.Array:
    said = event.get("res", "success", "result")
    known = pc.case_when(pc.make_struct(pc.is_in(said, SUCCESS), pc.is_in(said, FAILURE)), "success", "failure")
    return pc.coalesce(
        _denied(event)[1], known, pc.if_else(said.is_valid(), pa.scalar("unknown"), pa.scalar(None, TEXT))
    )


def _denied(event: AuditEvent) -> tuple[pa.Array, pa.Array]:
    """What a security module decided, `denied` or `allowed`, and how the access ended."""
    said = pc.extract_regex(event.get("_text", "msg"), AVC).field("seresult")
    armor = pc.utf8_lower(event.get("apparmor"))
    refused = pc.or_(pc.equal(said, "denied").fill_null(False), pc.equal(armor, "denied").fill_null(False))
    granted = pc.or_(pc.equal(said, "granted").fill_null(False), pc.is_in(armor, pa.array(["allowed", "audit"])))
    decided = pc.case_when(pc.make_struct(refused, granted), "denied", "allowed")
    passed = pc.and_(refused, pc.not_equal(event.get("permissive"), "1").fill_null(True))
    return decided, pc.case_when(pc.make_struct(passed, decided.is_valid()), "failure", "success")


def _meaning(event: AuditEvent, kind: pa.Array, call: pa.Array) -> Columns:
    """Of an event with a system call the call's meaning, else the record's."""
    tables = [*SYSCALLS.values(), *RECORDS.values()]
    of_call = pc.index_in(call, pa.array(list(SYSCALLS)))
    of_record = pc.add(pc.index_in(kind, pa.array(list(RECORDS))), len(SYSCALLS))
    place = pc.coalesce(of_call, of_record)
    action = pc.coalesce(pa.array([name for name, _, _ in tables]).take(place), pc.utf8_lower(kind))
    armor = event.get("apparmor").is_valid()
    made = pc.and_(pc.equal(kind, "PATH"), event.first(event.where("nametype") & event.is_("CREATE")).is_valid())
    decided = pc.index_in(_denied(event)[0], pa.array(["denied", "allowed"]))
    place = pc.if_else(made, list(SYSCALLS).index("creat"), place)
    kinds = pa.array([list(types) for _, _, types in tables], TEXTS).take(place)
    return {
        "event.action": pc.if_else(armor, "violated-apparmor-policy", pc.if_else(made, "created-file", action)),
        "event.category": pa.array([list(categories) for _, categories, _ in tables], TEXTS).take(place),
        "event.type": pc.coalesce(pa.array([["denied"], ["allowed"]], TEXTS).take(decided), kinds),
    }


def _people(event: AuditEvent, kind: pa.Array, columns: Columns) -> Columns:
    """Who acts by the log-in that the session began with (`auid`), as whom, and on which account or group."""
    acting = pc.is_in(kind, pa.array(FOR_ACCOUNT))
    on_account, on_group = pc.is_in(kind, pa.array(ON_ACCOUNT)), pc.is_in(kind, pa.array(ON_GROUP))
    login = pc.equal(kind, "LOGIN").fill_null(False)
    account = event.get("acct", "id", "uid")
    managed = pc.or_(on_account, on_group)
    begun = pc.coalesce(event.get("new_auid"), columns["user.audit.id"])
    effective = pc.case_when(pc.make_struct(acting, managed, login), account, columns["user.id"], begun)
    member = pc.and_(on_group, event.get("grp").is_valid())
    group = pc.if_else(on_group, event.get("grp", "acct", "id"), pa.scalar(None, TEXT))
    target = pc.if_else(pc.or_(on_account, member), event.get("acct", "id"), pa.scalar(None, TEXT))
    first = pc.case_when(
        pc.make_struct(pc.or_(acting, managed), login), columns["user.audit.id"], event.get("old_auid", "old-auid")
    )
    return {
        "user.id": pc.coalesce(first, columns["user.id"]),
        "user.effective.id": pc.coalesce(_numeric(effective, True), columns["user.effective.id"]),
        "user.effective.name": pc.coalesce(_numeric(effective, False), columns["user.effective.name"]),
        "user.target.id": _numeric(target, True),
        "user.target.name": pc.coalesce(
            _numeric(target, False), pc.if_else(on_account, event.get("ID"), pa.scalar(None, TEXT))
        ),
        "group.id": _numeric(group, True),
        "group.name": _numeric(group, False),
    }


def _numeric(account: pa.Array, wanted: bool) -> pa.Array:
    is_number = pc.match_substring_regex(account, "^[0-9]+$")
    return pc.if_else(is_number if wanted else pc.invert(is_number), account, pa.scalar(None, TEXT))


def _process(event: AuditEvent, columns: Columns) -> Columns:
    arguments = _arguments(event)
    first = event.first(event.where("a0", "EXECVE"))
    absolute = pc.if_else(pc.starts_with(first, "/"), first, pa.scalar(None, TEXT))
    return {
        "process.command_line": pc.coalesce(arguments, event.get("cmd", "proctitle")),
        "process.executable": pc.coalesce(columns["process.executable"], absolute),
        "process.name": pc.coalesce(columns["process.name"], _base(columns["process.executable"]), _base(first)),
    }


def _base(path: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(path, r"(?s)^.*/", "")


def _arguments(event: AuditEvent) -> pa.Array:
    """The arguments of EXECVE in a row; a long one comes in pieces, `a1[0]=... a1[1]=...`."""
    key, value = event.pairs.key, event.pairs.value
    wanted = pc.and_(pc.equal(event.pairs.record, "EXECVE"), pc.match_substring_regex(key, r"^a[0-9]+(?:\[[0-9]+\])?$"))
    at = np.flatnonzero(is_true(pc.and_(wanted, value.is_valid())))
    blank = pc.if_else(pc.match_substring_regex(key.take(pa.array(at)), r"\[[1-9]"), "", " ")
    pieces = pc.binary_join_element_wise(blank, value.take(pa.array(at)), "")
    counts = np.bincount(event.pairs.line[at], minlength=event.lines)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    text = pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pieces), "")
    return pc.if_else(pa.array(counts > 0), pc.utf8_slice_codeunits(text, 1), pa.scalar(None, TEXT))


def _path(event: AuditEvent, directory: pa.Array) -> pa.Array:
    """The file that a call was about, and not the folder that it lies in, made absolute where the event says how."""
    ordinal = np.cumsum(is_true(pc.equal(event.pairs.key, "_type")))
    parent = np.zeros(int(ordinal[-1]) + 1 if len(ordinal) else 1, dtype=np.bool_)
    parent[ordinal[event.where("nametype", "PATH") & event.is_("PARENT")]] = True
    names = event.where("name", "PATH")
    elsewhere = event.where("path") & ~is_true(pc.equal(event.pairs.record, "SOCKADDR"))
    armor = event.where("name", "AVC") & is_true(pc.starts_with(event.pairs.value, "/"))
    name = pc.coalesce(*(event.first(mask) for mask in (names & ~parent[ordinal], names, elsewhere, armor)))
    relative = pc.and_(pc.match_substring_regex(name, "^[^/]"), pc.and_(directory.is_valid(), event.has_record("PATH")))
    return pc.if_else(relative, pc.binary_join_element_wise(directory, name, "/"), name)


def _socket(event: AuditEvent, direction: pa.Array) -> Columns:
    """The other end of a call on a socket, where the line tells the call; else only the vendor's fields."""
    distinct = event.first(event.where("saddr", "SOCKADDR")).dictionary_encode()
    read = [socket_address(digits) for digits in distinct.dictionary.to_pylist()]
    columns: Columns = {}
    for number, key in enumerate(("saddr_fam", "laddr", "lport")):
        decoded = pa.array([part[number] for part in read], TEXT).take(distinct.indices)
        columns[f"auditd.log.{key}"] = pc.coalesce(event.first(event.where(key, "SOCKADDR")), decoded)
    nothing = pa.scalar(None, TEXT)
    for side, way, keys in (("source", "ingress", NAMES["source.address"][:2]), ("destination", "egress", ("dst",))):
        there = pc.equal(direction, way)
        address = pc.if_else(there, columns["auditd.log.laddr"], nothing)
        columns[f"{side}.address"] = pc.coalesce(event.get(*keys), address)
        columns[f"{side}.port"] = pc.if_else(there, columns["auditd.log.lport"], nothing)
    return columns


def _vendor(event: AuditEvent) -> pa.Array:
    """The pairs that no ECS field took; of two of one key the last, so that EXECVE's a0 stands before SYSCALL's."""
    key, record = event.pairs.key, event.pairs.record
    taken = pc.or_(pc.is_in(key, pa.array(sorted(OF_TABLE | ELSEWHERE))), pc.starts_with(key, "_"))
    socket_pair = pc.and_(pc.equal(record, "SOCKADDR"), pc.equal(key, "saddr"))
    kept = pc.and_(pc.or_(pc.invert(taken), socket_pair), event.pairs.value.is_valid())
    at = pa.array(np.flatnonzero(is_true(kept)))
    counts = np.bincount(event.pairs.line[at.to_numpy()], minlength=event.lines)
    offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int32())
    names = pc.binary_join_element_wise("auditd.log.", pc.replace_substring(key.take(at), "-", "_"), "")
    return pa.MapArray.from_arrays(offsets, names, event.pairs.value.take(at)).cast(MAP)
