r"""lemonldap: log-ins that LemonLDAP::NG (single sign-on) refuses, by syslog.

In:   `[warn] Bad password for an (198.51.100.7)` of program LLNG, `Lemonldap::NG : ...` of older versions
Out:  `user.name`, `source.ip`, `event.outcome`, `event.reason`, `log.level`
Docs: LemonLDAP::NG documentation, "Logs"; Lemonldap::NG::Portal

What else it says of a client is in plain words, and plain_text.py reads it.
"""

from __future__ import annotations

from functools import partial

from ingest.lines import Line, Parser

HEAD = r"(?:\[(?P<log__level>[a-z]+)\] |Lemonldap::NG : )"
# The address is LemonLDAP's own; what stands before it may be anything that a client has sent.
WHENCE = r" \((?P<source__address>[0-9A-Fa-f.:]+)\)"
FAILED = partial(Line, action="login", category=("authentication",), type=("start",), outcome="failure")

PARSER = Parser(
    module="lemonldap",
    dataset="lemonldap.log",
    signature=r"(?:\[[a-z]+\] |Lemonldap::NG : )(?:Bad password for |.* was not found in [A-Za-z]+ directory \()",
    lines=(
        FAILED(HEAD + rf"(?P<event__reason>Bad password) for (?P<user__name>.*){WHENCE}"),
        FAILED(HEAD + rf"(?P<user__name>.*) was (?P<event__reason>not found in [A-Za-z]+ directory){WHENCE}"),
    ),
)
