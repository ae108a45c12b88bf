"""event: the one place that says what an event is.

In:   flat columns, one a dotted ECS field
Out:  the Arrow schemas of a raw line, of a flat and of a nested event
Docs: Elastic Common Schema 9.x field reference

Parsers, the matcher and the offline commands work on *flat* batches (a column named `source.ip`); the lake holds
*nested* ones (`source` is a struct), so that `SELECT source.ip` is plain SQL. `nest` and `flatten` go between.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

TIMESTAMP = pa.timestamp("us", tz="UTC")
TEXT = pa.string()
TEXTS = pa.list_(pa.string())
LONG = pa.int64()
MAP = pa.map_(pa.string(), pa.string())

# A line as the gateway hands it on. `id` is the gateway's message id, null for lines from elsewhere.
RAW = pa.schema(
    [
        ("value", pa.binary()),
        ("peer", TEXT),
        ("received", TIMESTAMP),
        ("id", TEXT),
        ("topic", TEXT),
        ("partition", pa.int32()),
        ("offset", LONG),
    ]
)


def raw(rows: int, columns: Mapping[str, pa.Array]) -> pa.RecordBatch:
    """Lines as RAW; columns that are missing are null."""
    return pa.RecordBatch.from_arrays(
        [columns.get(field.name, pa.nulls(rows, field.type)) for field in RAW], schema=RAW
    )


# Dotted ECS field -> type. `vendor` holds what ECS lacks, under the dotted name that Beats gives it
# (`fortinet.firewall.action`, `winlog.event_data.LogonType`); printed events show those names at the top level.
FIELDS: dict[str, pa.DataType] = {
    "@timestamp": TIMESTAMP,
    "message": TEXT,
    "tags": TEXTS,
    "vendor": MAP,
    **dict.fromkeys(
        (
            "event.id", "event.original", "event.kind", "event.module", "event.dataset", "event.action",
            "event.outcome", "event.code", "event.provider", "event.reason", "event.timezone",
            "error.message",
            "log.level", "log.logger",
            "log.syslog.appname", "log.syslog.facility.name", "log.syslog.hostname", "log.syslog.msgid",
            "log.syslog.procid", "log.syslog.severity.name", "log.syslog.version",
            "host.name", "host.os.type",
            "observer.name", "observer.hostname", "observer.ip", "observer.vendor", "observer.product", "observer.type",
            "observer.serial_number", "observer.version",
            "observer.ingress.interface.name", "observer.egress.interface.name",
            "observer.ingress.zone", "observer.egress.zone",
            "organization.name", "service.name", "service.type",
            "source.address", "source.ip", "source.mac", "source.domain", "source.nat.ip", "source.user.name",
            "source.geo.country_iso_code",
            "destination.address", "destination.ip", "destination.mac", "destination.domain",
            "destination.nat.ip", "destination.user.name", "destination.geo.country_iso_code",
            "client.address", "client.ip", "server.address", "server.ip",
            "network.protocol", "network.transport", "network.type", "network.direction", "network.application",
            "network.community_id", "network.iana_number", "network.vlan.id",
            "user.name", "user.id", "user.domain", "user.email", "user.full_name",
            "user.effective.name", "user.effective.id", "user.target.name", "user.target.id", "user.target.domain",
            "user_agent.original", "group.name", "group.id",
            "process.name", "process.executable", "process.command_line", "process.working_directory",
            "process.entity_id", "process.parent.name", "process.parent.executable", "process.parent.command_line",
            "process.parent.entity_id", "process.hash.md5", "process.hash.sha1", "process.hash.sha256",
            "file.path", "file.directory", "file.name", "file.extension", "file.hash.sha256",
            "registry.path", "registry.value",
            "url.original", "url.full", "url.scheme", "url.domain", "url.path", "url.query", "url.extension",
            "url.fragment", "url.username",
            "http.version", "http.request.method", "http.request.referrer", "http.request.id",
            "http.response.mime_type",
            "dns.question.name", "dns.question.type", "dns.response_code", "dns.type",
            "email.subject", "email.message_id",
            "tls.version", "tls.cipher",
            "rule.id", "rule.name", "rule.category", "rule.ruleset",
        ),
        TEXT,
    ),
    **dict.fromkeys(
        (
            "event.severity", "event.duration",
            "log.syslog.priority", "log.syslog.facility.code", "log.syslog.severity.code",
            "source.port", "source.bytes", "source.packets", "source.nat.port",
            "destination.port", "destination.bytes", "destination.packets", "destination.nat.port",
            "client.port", "server.port", "network.bytes", "network.packets",
            "process.pid", "process.thread.id", "process.parent.pid", "file.size", "url.port",
            "http.request.bytes", "http.request.body.bytes",
            "http.response.status_code", "http.response.bytes", "http.response.body.bytes",
        ),
        LONG,
    ),
    **dict.fromkeys(
        (
            "event.category", "event.type", "user.roles", "dns.resolved_ip", "email.from.address", "email.to.address",
            "host.ip", "host.mac", "related.ip", "related.user", "related.hosts", "related.hash",
        ),
        TEXTS,
    ),
    **dict.fromkeys(("event.created", "event.ingested", "event.start", "event.end"), TIMESTAMP),
    "log.syslog.structured_data": MAP,
}  # fmt: skip

FLAT = pa.schema(sorted(FIELDS.items()))

Columns = dict[str, pa.Array]


def _tree(names: Iterable[str]) -> dict[str, Any]:
    """`["a.b", "a.c", "d"]` -> `{"a": {"b": "a.b", "c": "a.c"}, "d": "d"}`."""
    tree: dict[str, Any] = {}
    for name in names:
        *parents, leaf = name.split(".")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = name
    return tree


TREE = _tree(FLAT.names)


def _nested_type(node: Mapping[str, Any] | str) -> pa.DataType:
    if isinstance(node, str):
        return FIELDS[node]
    return pa.struct([(name, _nested_type(child)) for name, child in node.items()])


NESTED = pa.schema([(name, _nested_type(child)) for name, child in TREE.items()])


def nest(flat: pa.RecordBatch) -> pa.RecordBatch:
    """A flat batch (any subset of `FIELDS`, any order) as one of schema `NESTED`; what is missing is null.

    Raises KeyError when a column is not in `FIELDS`: a parser that invents a field is a defect.
    """
    columns = dict(zip(flat.schema.names, flat.columns, strict=True))
    if unknown := columns.keys() - FIELDS.keys():
        raise KeyError(f"not in ingest.event.FIELDS: {', '.join(sorted(unknown))}")
    rows = flat.num_rows

    def build(node: Mapping[str, Any] | str) -> pa.Array:
        if isinstance(node, str):
            return columns[node].cast(FIELDS[node]) if node in columns else pa.nulls(rows, FIELDS[node])
        return pa.StructArray.from_arrays([build(child) for child in node.values()], fields=list(_nested_type(node)))

    return pa.RecordBatch.from_arrays([build(child) for child in TREE.values()], schema=NESTED)


def flatten(nested: pa.RecordBatch) -> pa.RecordBatch:
    """The flat columns of a nested batch; columns that are wholly null are left out. Inverse of `nest`."""
    columns: Columns = {}

    def walk(prefix: str, array: pa.Array) -> None:
        if pa.types.is_struct(array.type):
            for field, child in zip(array.type, array.flatten(), strict=True):
                walk(f"{prefix}.{field.name}", child)
        elif array.null_count < len(array):
            columns[prefix] = array

    for name, array in zip(nested.schema.names, nested.columns, strict=True):
        walk(name, array)
    if not columns:
        return pa.RecordBatch.from_struct_array(pa.array([{}] * nested.num_rows, pa.struct([])))
    return pa.RecordBatch.from_pydict(columns)


def to_documents(flat: pa.RecordBatch) -> list[dict[str, Any]]:
    """Rows as dictionaries of dotted keys without nulls, dates in ISO 8601; `vendor` keys stand beside the ECS ones."""
    documents: list[dict[str, Any]] = [{} for _ in range(flat.num_rows)]
    for name, array in zip(flat.schema.names, flat.columns, strict=True):
        if array.null_count:
            rows = np.flatnonzero(array.is_valid().to_numpy(zero_copy_only=False)).tolist()
            owners = [documents[row] for row in rows]
        else:
            owners = documents
        values = _python(array.drop_null())
        if name == "vendor":
            for document, pairs in zip(owners, values, strict=True):
                document.update(pairs)
        else:
            for document, value in zip(owners, values, strict=True):
                document[name] = value
    return documents


def _python(array: pa.Array) -> list[Any]:
    """The values of an array without nulls; several times as fast as `to_pylist`, which makes a scalar of each."""
    kind = array.type
    if pa.types.is_timestamp(kind):
        text = array.cast(TIMESTAMP).cast(TEXT)
        day, time = pc.utf8_slice_codeunits(text, 0, 10), pc.utf8_slice_codeunits(text, 11, 23)
        return _python(pc.binary_join_element_wise(pc.binary_join_element_wise(day, time, "T"), "", "Z"))
    if pa.types.is_map(kind):
        spans = _spans(array)
        keys, values = array.keys.to_pylist(), array.items.to_pylist()
        return [dict(zip(keys[start:end], values[start:end], strict=True)) for start, end in spans]
    if pa.types.is_list(kind):
        values = array.values.to_pylist()
        return [values[start:end] for start, end in _spans(array)]
    values = array.to_numpy(zero_copy_only=False).tolist()
    return list(values)


def _spans(array: pa.Array) -> list[tuple[int, int]]:
    offsets = array.offsets.to_pylist()
    return list(itertools.pairwise(offsets))
