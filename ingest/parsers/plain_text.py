r"""plain_text: what an application of no known form says of a client in plain words -> address, account, outcome.

In:   messages of unknown programs that no other parser takes, or of which it tells neither category nor account
Out:  `source.address`, `destination.address`, `user.name`, `http.response.status_code`, `event.outcome`; category
      "authentication" where the words are of a log-in; `@timestamp` of a line without a syslog header
Docs: ECS event.category "authentication"

An address counts as the client's when a word before it says so, when an arrow leads from it, or when it is the only one
of the line. Nothing is guessed from its place in the line.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.columns import is_true
from ingest.entities import ip
from ingest.event import TEXT, TEXTS
from ingest.lines import Context, Parsed, Parser

_V4 = r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}"
_V6 = (
    r"[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){7}|(?:[0-9A-Fa-f]{1,4}:){1,6}(?::[0-9A-Fa-f]{1,4}){1,6}"
    r"|::[0-9A-Fa-f]{1,4}"
)
_ADDRESS = rf"(?P<address>(?:::ffff:)?{_V4}|{_V6})"
_EDGE = r"(?:^|[^0-9A-Za-z.:])"
# Behind an address, so that no half of one counts: a port may stand there, or the end of a sentence.
_END = r"(?:$|[^0-9A-Za-z:]|:(?:$|[^0-9A-Fa-f]|[0-9]{1,5}:?(?:$|[^0-9A-Fa-f:])))"
_QUOTES = r"[\"'\x60\\\[(]"
_SAYS_CLIENT = (
    r"(?:from|by|attacker|client|peer|rhost|host|for|ip|ban(?:ned|ning)"
    r"|(?:remote|client|source|src|visitor|peer|user)[ _-]?(?:ip|addr(?:ess)?|host)|ip[ _-]?addr(?:ess)?)"
)
CLIENT = (
    rf"(?i)(?s){_EDGE}{_SAYS_CLIENT}(?:[ -](?:private |public )?(?:ip|address|ip[ -]address))?[\"'\x60\\]{{0,2}}"
    rf" ?[:=]{{0,2}} ?{_QUOTES}{{0,3}}(?:ipv[46]:)?{_ADDRESS}{_END}"
)
ARROW = (
    rf"(?s){_EDGE}{_ADDRESS}(?:[.:][0-9]+)?\]?(?: ->? | > |->| to )\[?"
    rf"(?P<other>(?:::ffff:)?{_V4}|{_V6})(?:[.:][0-9]+)?(?:[^0-9A-Za-z.:]|$|: )"
)
ANY = rf"(?s){_EDGE}{_ADDRESS}{_END}"
OTHERS = rf"(?s){_EDGE}(?:{_V4}|{_V6}).*{_EDGE}(?:{_V4}|{_V6})"
_NAME = r"(?P<user>[^\s\"'\x60\\,;()|{}<>\[\]]*[^\s\"'\x60\\,;()|{}<>\[\].:])"
USER = (
    rf"(?i)(?s){_EDGE}(?:(?:admin_?)?user(?:[ _-]?(?:name|id))?|login|account(?:id)?|uname|e-?mail)(?: name| input)?"
    rf"(?:[\"'\x60\\]{{0,2}} ?[:=] ?[\"'\x60\\(\[]{{0,2}}|:? [\"'\x60\\(\[]{{1,2}}){_NAME}"
)
_BEHIND = r"(?: from| has| failed| auth| details| with| and| in | at | \(|[.,;]? ip|[.,;]|$)"
USER_IN_WORDS = (
    r"(?i)(?s)(?:(?:for|by|attempt by|invalid|unknown|retrieve|find) (?:the )?(?:user|account|login|username)"
    r"|(?:attempt|password|failed|failure|failed login|authentication|request) for|login failed:|user) "
    rf"[\"'\x60\\\[]{{0,2}}{_NAME}[\"'\x60\\\]]{{0,2}}{_BEHIND}"
)
STATUS = (
    r"(?i)(?s)(?:status(?:[ _]?code)?[\"'\\]{0,2} ?[:=] ?\"?|returned |response_code\": ?|HTTP/[0-9.]+\\?\" |\| )"
    r"(?P<status>[1-5][0-9]{2})(?:[^0-9.]|$)"
)
OF_LOGIN = (
    r"(?i)log[ -]?(?:in|on)|logged in|sign[ -]?in|auth[^o]|authori[sz]|password|credential|brute[ -]?force"
    r"|đăng nhập|mật khẩu|xác thực|anmeld|connexion|sesión"
)
# And what programs that speak Vietnamese, German, French, Spanish or Dutch write.
FAILED = (
    r"(?i)fail|invalid|incorrect|wrong|denied|den(?:y|ies)|unauthori[sz]ed|reject|not found|unsuccessful|banned|banning"
    r"|bad (?:user|pass)|blocked|error|does not exist|refused|mismatch|brute[ -]?force|rate[ -]limit|too many|locked"
    r"|thất bại|không thành công|không đúng|sai (?:mật khẩu|tên)|bị từ chối|fehlgeschlagen|échou|échec|fallid|mislukt"
)
REFUSED = pa.array(["401", "403"])
SUCCEEDED = r"(?i)succe|accepted|logged in|granted"
# Near the beginning, or under a key that says so; elsewhere a line may speak of any time.
STAMP = (
    r"(?s)(?:^.{0,40}?|\"(?:@?time(?:stamp)?|asctime|ts|date)\" ?: ?\")"
    r"(?P<stamp>[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?"
    r"(?:Z| ?[+-][0-9]{2}:?[0-9]{2})?)(?:[^0-9A-Za-z]|$)"
)
NOBODY = pa.array(
    ["-", "--", "null", "none", "N/A", "unknown", "is", "and", "or", "was", "name", "from", "for", "in", "invalid"]
)


def read(messages: pa.Array, context: Context) -> Parsed:
    source, destination = (_caught(messages, ARROW, name) for name in ("address", "other"))
    alone = pc.if_else(_says(messages, OTHERS), pa.scalar(None, TEXT), _caught(messages, ANY, "address"))
    address = pc.coalesce(source, _caught(messages, CLIENT, "address"), alone)
    rows = np.flatnonzero([text is not None and ip(text) is not None for text in address.to_pylist()])
    at = pa.array(rows)
    text = messages.take(at)
    login, failed, succeeded = (_says(text, words) for words in (OF_LOGIN, FAILED, SUCCEEDED))
    nothing = pa.scalar(None, TEXT)
    user = pc.coalesce(_somebody(_caught(text, USER, "user")), _somebody(_caught(text, USER_IN_WORDS, "user")))
    outcome = pc.if_else(failed, "failure", pc.if_else(succeeded, "success", nothing))
    status = _caught(text, STATUS, "status")
    refused = pc.and_(login, pc.is_in(status, REFUSED))
    outcome = pc.if_else(pc.and_(refused, outcome.is_null()), "failure", outcome)
    kind = pc.if_else(login, 0, 1)
    # Behind a syslog header the header's time counts: its zone is known.
    bare = pc.if_else(context.host.take(at).is_null(), text, nothing)
    return rows, {
        "@timestamp": stamps.iso(_caught(bare, STAMP, "stamp"), context.zone.take(at)),
        "source.address": address.take(at),
        "destination.address": destination.take(at),
        "user.name": user,
        "http.response.status_code": status,
        "event.outcome": pc.if_else(pc.or_(login, failed), outcome, nothing),
        "event.category": pa.array([["authentication"], None], TEXTS).take(kind),
        "event.type": pa.array([["start"], ["info"]], TEXTS).take(kind),
    }


def _caught(messages: pa.Array, pattern: str, group: str) -> pa.Array:
    caught = pc.extract_regex(messages, pattern).field(group)
    return pc.if_else(pc.equal(caught, ""), pa.scalar(None, TEXT), caught)


def _somebody(names: pa.Array) -> pa.Array:
    return pc.if_else(pc.is_in(names, NOBODY), pa.scalar(None, TEXT), names)


def _says(messages: pa.Array, pattern: str) -> pa.Array:
    return pa.array(is_true(pc.match_substring_regex(messages, pattern)))


PARSER = Parser(module="generic", dataset="generic.text", fallback=True, read=read)
