r"""auditd: records of the Linux audit system -> who did what to which file, program or account.

In:   `type=T msg=audit(seconds:serial): ...` by any road (audit.log, audisp-syslog, kernel, journald), alone or all
      records of one event in a line; LAUREL's JSON
Out:  `process.*`, `user.*`, `source.*`, `file.path`; the rest as `auditd.log.*`
Docs: audit "Audit Event Fields" and "Record Types"; Beats, auditd module; LAUREL, "Log format"

A line with several records counts as its most telling one: `auditd.log.record_type` is EXECVE before PATH before
SYSCALL before the first. Its `a0`, `a1`, ... are then the arguments of the program.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.columns import is_true
from ingest.lines import Context, Parsed, Parser
from ingest.vendors import audit_records
from ingest.vendors.audit_fields import columns_of

TEXT_SIGNATURE = (
    r"(?:\[ *[0-9]+\.[0-9]+\] )?(?:audit: )?(?:node=[^ ]+ )?type=(?:[A-Z0-9_]+|UNKNOWN\[[0-9]+\]) (?:msg=)?"
    r"audit\([0-9]+\.[0-9]+:[0-9]+\):"
)
JSON_SIGNATURE = r"\{\"(?:ID|NODE)\":\""
# journald names the program `audit` and leaves the head of the record away.
JOURNAL = r"^([A-Z][A-Z0-9_]+) ([a-z][A-Za-z0-9_-]*=)"


def read(messages: pa.Array, context: Context) -> Parsed:
    whole = pc.replace_substring_regex(messages, JOURNAL, r"type=\1 msg=audit(0.0:0): \2")
    records = np.flatnonzero(is_true(pc.match_substring_regex(whole, f"^{TEXT_SIGNATURE}")))
    objects = np.flatnonzero(is_true(pc.match_substring_regex(whole, f"^{JSON_SIGNATURE}")))
    written = audit_records.of_text(whole.take(pa.array(records)))
    encoded = audit_records.of_json(whole.take(pa.array(objects)))
    line = np.concatenate([records[written.line], objects[encoded.line]])
    rows, number = np.unique(line, return_inverse=True)
    record, key, value = (
        pa.concat_arrays([getattr(written, name), getattr(encoded, name)]) for name in ("record", "key", "value")
    )
    order = np.argsort(number, kind="stable")
    at = pa.array(order)
    pairs = audit_records.Pairs(number[order], record.take(at), key.take(at), value.take(at))
    return rows, columns_of(pairs, len(rows))


PARSER = Parser(
    module="auditd",
    dataset="auditd.log",
    programs=("audit", "auditd", "audispd", "audisp-syslog", "laurel"),
    signature=f"{TEXT_SIGNATURE}|{JSON_SIGNATURE}",
    read=read,
)
