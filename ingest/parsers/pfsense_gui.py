r"""pfsense_gui: who logs in to the pages of pfSense and OPNsense.

In:   `/index.php: ... authentication error for user '...' from: ...` of php-fpm (pfSense) and of audit (OPNsense)
Out:  `user.name`, `source.ip`, `event.outcome`
Docs: pfSense src/etc/inc/auth.inc; OPNsense src/opnsense/mvc/app/library/OPNsense/Auth
"""

from __future__ import annotations

from functools import partial

import pyarrow.compute as pc

from ingest.event import Columns
from ingest.lines import Context, Line, Parser

PRODUCT = {"observer.type": "firewall", "network.protocol": "http"}
LOGIN = partial(Line, category=("authentication",), type=("start",), fields=PRODUCT)
# The name is the client's to choose, and may hold what the page writes behind it: the last " from" counts.
WHO = r"(?:user )?'(?P<user__name>.*)' from:? (?P<source__address>[^ ]+)(?: .*)?"


def finish(columns: Columns, context: Context) -> Columns:
    opnsense = pc.equal(context.program, "audit").fill_null(False)
    return {
        "observer.vendor": pc.if_else(opnsense, "Deciso", "netgate"),
        "observer.product": pc.if_else(opnsense, "OPNsense", "pfSense"),
    }


PARSER = Parser(
    module="pfsense",
    dataset="pfsense.gui",
    signature=r"/[^ ]*\.php: (?:[Ss]uccessful login|User logged out|Session timed out|[A-Za-z ]*error) for ",
    lines=(
        LOGIN(
            rf"/[^ ]*\.php: [A-Za-z ]*authentication error for {WHO}", action="logon-failed", outcome="failure",
        ),
        LOGIN(rf"/[^ ]*\.php: [Ss]uccessful login for {WHO}", action="logged-in", outcome="success"),
        LOGIN(
            rf"/[^ ]*\.php: (?:User logged out|Session timed out) for {WHO}",
            action="logged-out", outcome="success", type=("end",),
        ),
    ),
    finish=finish,
)  # fmt: skip
