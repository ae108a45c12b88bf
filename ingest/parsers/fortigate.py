r"""fortigate: key=value lines of FortiOS -> traffic, UTM and event fields.

In:   `date=... time=... devname=... type="traffic" ...`, bare or behind a syslog header; also with commas (format csv)
Out:  `source.*`, `destination.*`, `network.*`, `observer.*`, `rule.*`, `url.*`, `user.name`; `fortinet.firewall.*`
Docs: FortiOS Log Message Reference 5.4 to 7.6; Elastic's integration "Fortinet FortiGate", exported fields
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.claims import captured
from ingest.event import TEXT, Columns
from ingest.formats import countries, epochs, flows, key_value, urls
from ingest.formats.directions import directions
from ingest.formats.key_value import Pairs
from ingest.formats.labels import all_of, mapped, one_of, when
from ingest.lines import Context, Parsed, Parser

VENDOR = "fortinet.firewall."
# Of several keys the first that a line has counts.
FIELDS: dict[str, tuple[str, ...]] = {
    "observer.name": ("devname",),
    "observer.serial_number": ("devid", "device_id"),
    "observer.ingress.interface.name": ("srcintf", "src_int"),
    "observer.egress.interface.name": ("dstintf", "dst_int"),
    "log.level": ("level", "pri"),
    "event.code": ("logid", "log_id"),
    "source.ip": ("srcip", "locip"),
    "source.port": ("srcport", "src_port", "locport"),
    "source.mac": ("srcmac", "source_mac"),
    "source.bytes": ("sentbyte",),
    "source.packets": ("sentpkt",),
    "source.domain": ("srcdomain",),
    "source.nat.ip": ("transip",),
    "source.nat.port": ("transport",),
    "source.user.name": ("unauthuser", "user", "xauthuser", "eapuser"),
    "source.address": ("saddr",),
    "destination.ip": ("dstip", "remip"),
    "destination.port": ("dstport", "dst_port", "remport"),
    "destination.mac": ("dstmac",),
    "destination.bytes": ("rcvdbyte",),
    "destination.packets": ("rcvdpkt",),
    "destination.nat.ip": ("tranip",),
    "destination.nat.port": ("tranport",),
    "destination.user.name": ("dstunauthuser",),
    "destination.address": ("dstname", "daddr", "dst_host"),
    "destination.domain": ("sni",),
    "network.iana_number": ("proto",),
    "network.application": ("app",),
    "network.protocol": ("service",),
    "rule.id": ("policyid", "policy_id"),
    "rule.name": ("policyname",),
    "rule.uuid": ("poluuid",),
    "rule.ruleset": ("policytype", "applist", "profile"),
    "rule.category": ("appcat", "catdesc"),
    "rule.description": ("comment", "logdesc"),
    "event.reason": ("reason", "eventsubtype"),
    "source.user.group.name": ("group",),
    "http.request.method": ("httpmethod",),
    "http.request.referrer": ("referralurl",),
    "user_agent.original": ("agent",),
    "file.name": ("filename", "infectedfilename", "matchedfilename", "file"),
    "file.size": ("filesize", "infectedfilesize"),
    "file.extension": ("filetype", "infectedfiletype", "matchedfiletype"),
    "dns.question.name": ("qname",),
    "dns.question.type": ("qtype",),
    "email.subject": ("subject",),
    "tls.cipher": ("cipher",),
}
# Their values stand in the fields above, or in @timestamp; every other key keeps its name behind VENDOR.
HELD = {
    *("date", "time", "tz", "devname", "devid", "srcip", "dstip", "srcport", "dstport", "proto", "sentbyte"),
    *("rcvdbyte", "sentpkt", "rcvdpkt", "srcintf", "dstintf", "logid", "level", "policyid", "poluuid", "url"),
}
# What an administrator's log-in looks like in the versions that write who and whence into the message alone.
ADMINISTRATOR = r"^Administrator (?P<user>.+) log(?:in|ged in) (?P<how>[a-z]+) from [^( ]+\((?P<address>[^)]+)\)"
BY_SSH = r"^Login from ssh: (?P<how>[A-Za-z]+) for (?P<user>.+) from (?P<address>[^ ]+) port (?P<port>[0-9]+)"
IN_BRACKETS = r"\((?P<address>[0-9A-Fa-f.:]+)\)$"
FAILED = "(?i)^(?:fail|error|negotiate_error|denied|ssl-login-fail|invalid)"
SUCCEEDED = "(?i)^(?:ok$|success|fsso-log|auth-log|ssl-new-con|tunnel-up)"
DENYING = ("deny", "block", "blocked", "dropped", "drop", "reset", "reset_client", "reset_server", "clear_session")
DIRECTIONS = {"outgoing": "outbound", "incoming": "inbound"} | {
    name: name for name in ("inbound", "outbound", "internal", "external", "ingress", "egress")
}
COUNTRIES = (("source", "srccountry"), ("destination", "dstcountry"))
ENDS = ("ip", "port", "mac", "bytes", "packets", "address", "domain")


def read(messages: pa.Array, context: Context) -> Parsed:
    pairs = key_value.split(messages, separators=b" \t,")
    known = pc.and_(
        pairs.column("devid", "device_id", "devname", "vd").is_valid(), pairs.column("logid", "log_id").is_valid()
    )
    rows = np.flatnonzero(pc.and_(known, pairs.column("type").is_valid()).to_numpy(zero_copy_only=False))
    if not len(rows):
        return rows, {}
    pairs = pairs.take(rows)
    columns = {name: _unless_none(column) for name, column in pairs.columns(FIELDS).items()}
    columns |= _times(pairs, context.take(rows)) | _url(pairs) | _network(pairs, columns)
    columns |= {f"{side}.geo.country_iso_code": countries.codes(pairs.column(key)) for side, key in COUNTRIES}
    columns |= _login(pairs, columns)
    columns |= _categories(pairs) | _turned(pairs, columns)
    columns["vendor"] = pairs.others(VENDOR, HELD)
    return rows, flows.complete(columns)


def _unless_none(column: pa.Array) -> pa.Array:
    return when(pc.not_equal(column, "N/A"), column)


def _times(pairs: Pairs, context: Context) -> Columns:
    """The device writes its local time, and since FortiOS 6.0 the seconds (later nanoseconds) since 1970 too."""
    zone = pc.replace_substring_regex(pairs.column("tz"), r"^(?:[A-Z]{1,4})?([+-])([0-9]):?([0-9]{2})$", r"\10\2\3")
    zone = pc.replace_substring_regex(zone, r"^(?:[A-Z]{1,4})?([+-][0-9]{2}):?([0-9]{2})$", r"\1\2")
    zone = when(pc.match_substring_regex(zone, r"^[+-][0-9]{4}$"), zone).fill_null("")
    local = pc.binary_join_element_wise(pairs.column("date"), pairs.column("time"), " ")
    local = stamps.iso(pc.binary_join_element_wise(local, zone, ""), context.zone)
    exact = pairs.column("eventtime")
    exact = when(pc.match_substring_regex(exact, "^(?:[0-9]{10}|[0-9]{13}|[0-9]{16}|[0-9]{19})$"), exact)
    whole, fraction = pc.utf8_slice_codeunits(exact, 0, 10), pc.utf8_slice_codeunits(exact, 10, 19)
    start = epochs.seconds(pc.binary_join_element_wise(whole, pc.utf8_rpad(fraction, 6, "0"), "."))
    seconds = pairs.column("duration")
    seconds = when(pc.match_substring_regex(seconds, "^[0-9]{1,9}$"), seconds).cast(pa.int64())
    return {
        "@timestamp": pc.coalesce(local, start, epochs.seconds(pairs.column("timestamp", "itime"))),
        "event.start": start,
        "event.duration": pc.multiply(seconds, 1_000_000_000),
    }


def _url(pairs: Pairs) -> Columns:
    """`url` is a path behind `hostname`, and a whole URL since FortiOS 6.4."""
    url = _unless_none(pairs.column("url"))
    if url.null_count == len(url):
        return {"url.domain": _unless_none(pairs.column("hostname"))}
    columns = urls.split(url)
    return columns | {"url.domain": pc.coalesce(_unless_none(pairs.column("hostname")), columns["url.domain"])}


def _network(pairs: Pairs, columns: Columns) -> Columns:
    direction = pc.utf8_lower(pairs.column("dir", "direction"))
    nothing = pa.nulls(pairs.count, TEXT)
    by_address = directions(columns.get("source.ip", nothing), columns.get("destination.ip", nothing))
    direction = pc.coalesce(mapped(direction, DIRECTIONS), when(direction.is_valid(), "unknown"), by_address)
    interface = pairs.column("interface")
    found: Columns = {"network.direction": direction}
    for side, ways in (("ingress", ("ingress", "inbound", "internal")), ("egress", ("egress", "outbound"))):
        name = f"observer.{side}.interface.name"
        spoken = when(one_of(direction, *ways), interface)
        found[name] = pc.coalesce(columns[name], spoken) if name in columns else spoken
    if "network.protocol" in columns:
        found["network.protocol"] = pc.utf8_lower(columns["network.protocol"])
    if "rule.category" in columns:
        found["rule.category"] = pc.replace_substring(columns["rule.category"], ".", "-")
    host = pc.utf8_lower(pairs.column("srcname"))
    return found | ({"host.name": host} if host.null_count < len(host) else {})


def _login(pairs: Pairs, columns: Columns) -> Columns:
    """Who logs in, whence, and how it ended."""
    message = pairs.column("msg")
    nothing = pa.nulls(len(message), TEXT)
    by_ssh, by_page = captured(pc.extract_regex(message, BY_SSH)), captured(pc.extract_regex(message, ADMINISTRATOR))
    from_ui = captured(pc.extract_regex(pairs.column("ui", "userfrom"), IN_BRACKETS))["address"]
    user = columns.get("source.user.name", nothing)
    how = pc.coalesce(by_ssh["how"], by_page["how"])
    told = captured(pc.extract_regex(pairs.column("desc", "logdesc"), r"(?i)\b(?P<how>success|fail)"))["how"]
    result = pc.coalesce(how, pairs.column("status", "result"), told, pairs.column("action"))
    traffic = one_of(pairs.column("type"), "traffic", "utm", "dns")
    acted = pc.and_(traffic, pairs.column("action").is_valid())
    return {
        "user.name": pc.coalesce(user, by_ssh["user"], by_page["user"]),
        "source.user.name": pc.coalesce(user, by_ssh["user"], by_page["user"]),
        "source.ip": pc.coalesce(columns.get("source.ip", nothing), by_ssh["address"], by_page["address"], from_ui),
        "source.port": pc.coalesce(columns.get("source.port", nothing), by_ssh["port"]),
        # An action of the firewall is a success of the firewall, a denied packet too, as Elastic has it.
        "event.outcome": pc.if_else(
            acted,
            "success",
            pc.coalesce(
                when(pc.match_substring_regex(result, FAILED), "failure"),
                when(pc.match_substring_regex(result, SUCCEEDED), "success"),
            ),
        ),
    }


def _categories(pairs: Pairs) -> Columns:
    kind, subtype, action = pairs.column("type"), pairs.column("subtype"), pairs.column("action")
    traffic, event = pc.equal(kind, "traffic"), pc.equal(kind, "event")
    utm = one_of(kind, "utm", "dns")
    denied = pc.or_(one_of(action, *DENYING), one_of(pairs.column("utmaction"), "block").fill_null(False))
    login = pc.match_substring_regex(pairs.column("logdesc", "msg"), "(?i)log(?:in|out|ged|on)").fill_null(False)
    user = pc.and_(event, pc.or_(one_of(subtype, "user"), login))
    vpn = pc.and_(event, one_of(subtype, "vpn"))
    begun = one_of(action, "start", "FSSO-logon", "auth-logon", "tunnel-up", "login", "ssl-new-con")
    ended = one_of(action, "FSSO-logoff", "auth-logout", "tunnel-down", "logout")
    passed = pc.or_(pc.and_(traffic, pc.invert(denied)), one_of(action, "pass", "passthrough"))
    return {
        "event.action": pc.if_else(utm, pc.coalesce(pairs.column("eventtype"), action), action),
        "event.category": all_of(
            {
                "network": pc.or_(pc.or_(traffic, utm), vpn),
                "authentication": user,
                "malware": one_of(subtype, "virus"),
                "intrusion_detection": one_of(subtype, "ips", "anomaly"),
                "web": one_of(subtype, "webfilter", "waf"),
                "configuration": pairs.column("cfgpath").is_valid(),
            }
        ),
        "event.type": all_of(
            {
                "connection": pc.or_(traffic, vpn),
                "start": begun,
                "end": pc.or_(ended, pc.and_(pc.and_(traffic, action.is_valid()), pc.invert(begun))),
                "denied": pc.and_(pc.or_(traffic, utm), denied),
                "allowed": passed,
                "info": pc.or_(pc.equal(subtype, "dns"), pc.and_(event, pc.invert(pc.or_(begun, ended)))),
                "change": pairs.column("cfgpath").is_valid(),
            }
        ),
        "observer.vendor": pa.repeat(pa.scalar("Fortinet"), len(kind)),
        "observer.product": pa.repeat(pa.scalar("Fortigate"), len(kind)),
        "observer.type": pa.repeat(pa.scalar("firewall"), len(kind)),
    }


def _turned(pairs: Pairs, columns: Columns) -> Columns:
    """Of a VPN event the remote side is the client: it is the source."""
    vpn = pc.and_(pc.equal(pairs.column("type"), "event"), pc.equal(pairs.column("subtype"), "vpn")).fill_null(False)
    if not pc.any(vpn).as_py():
        return {}
    nothing = pa.nulls(len(vpn), TEXT)
    found: Columns = {}
    for end in ENDS:
        here, there = columns.get(f"source.{end}", nothing), columns.get(f"destination.{end}", nothing)
        found[f"source.{end}"], found[f"destination.{end}"] = pc.if_else(vpn, there, here), pc.if_else(vpn, here, there)
    return found


PARSER = Parser(
    module="fortinet",
    dataset="fortinet.firewall",
    signature=r"(?:date|logver|timestamp|time|itime|devname|devid|eventtime)=",
    read=read,
)
