"""config: the settings of every service, typed, read once in `main` and passed down.

In:   `hamrong.yml` (or the file that HAMRONG_CONFIG names) and the environment
Out:  a frozen `Config`

A setting `gateway.tcp_port` is overridden by the variable HAMRONG_GATEWAY_TCP_PORT. Relative paths are relative to
the folder of the configuration file, or to the current folder when there is none.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hamrong import settings_file, zone

PROJECT = Path(__file__).resolve().parent.parent


class Secret(str):
    """A string that prints as `***`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def reveal(self) -> str:
        return str.__str__(self)


@dataclass(frozen=True)
class Kafka:
    bootstrap_servers: str = "127.0.0.1:9092"
    raw_topic: str = "syslog.raw"
    dead_topic: str = "syslog.dead"
    alerts_topic: str = "soc.alerts"
    partitions: int = 2
    replication: int = 1


@dataclass(frozen=True)
class OpenSearch:
    url: str = "http://127.0.0.1:9200"
    user: str = ""
    password: Secret = Secret("")
    ca_file: str = ""
    timeout_seconds: float = 30.0
    alerts_alias: str = "soc-alerts"
    shadow_alias: str = "soc-shadow-alerts"
    """Where alerts of experimental rules lie. No search for `soc-alerts*` finds them."""
    canaries_index: str = "soc-canaries"
    """What came of the lines that test the rules on the live road."""
    rules_index: str = "soc-rules"
    """One document a rule: what it costs, what came of its alerts, whether it is quarantined."""
    rule_costs_index: str = "soc-rule-costs"
    """What each rule took, hour by hour."""
    sources_index: str = "soc-sources"
    """What each shared system sent, in five minutes; one index a month, `soc-sources-YYYY.MM`."""
    keep_months_level_1: int = 1
    """How many whole months before this one the closed alerts of systems of asset level 1 are kept; 0 = for ever."""
    keep_months_level_2: int = 1
    """The same of level 2."""
    keep_months_level_3: int = 3
    """The same of level 3."""
    keep_months_level_4: int = 6
    """The same of level 4."""
    keep_months_level_5: int = 12
    """The same of level 5."""
    keep_months_sources: int = 12
    """The same of what the shared systems sent."""
    keep_months_audit: int = 24
    """The same of who looked at what and who changed what."""


@dataclass(frozen=True)
class Lake:
    path: str = ".hamrong/lake"
    """A folder, or an object store's URI that Spark and delta-rs know."""
    log_hours: int = 6
    """How long commits that a checkpoint covers, and files that were joined to larger ones, are kept: a job that reads
    the lake may be so far behind it. Each commit looks at all of the log, and there is one a second."""
    keep_days: int = 366
    """How many days before today are kept, by the day of receipt; 0 = for ever."""
    maintain_minutes: float = 10.0
    """Pause between two rounds of `hamrong maintain` in `hamrong run`; 0 = it makes none."""
    source_counts_seconds: float = 60.0
    """How often `hamrong run` tells what each shared system has sent; 0 = never."""


@dataclass(frozen=True)
class Gateway:
    name: str = "gw1"
    """Part of every message id: two gateways must differ."""
    host: str = "127.0.0.1"
    tcp_port: int = 5514
    udp_port: int = 5514
    tls_port: int = 0
    """0 = no TLS listener."""
    tls_certificate: str = ""
    tls_key: str = ""
    spool: Path = Path(".hamrong/spool")
    spool_limit_bytes: int = 4 << 30
    max_line_bytes: int = 64 << 10
    status_port: int = 0
    """Where counters are served as JSON over HTTP; 0 = nowhere."""


@dataclass(frozen=True)
class Spark:
    master: str = "local[2]"
    driver_memory: str = "2g"
    shuffle_partitions: int = 2
    trigger_seconds: float = 1.0
    """Pause between micro-batches of detect and correlate, whose alerts somebody waits for."""
    slow_trigger_seconds: float = 10.0
    """The same of count and anomaly: numbers that grow for an hour need not be told each second."""
    max_offsets_per_trigger: int = 50_000
    checkpoints: str = ".hamrong/checkpoints"
    work: Path = Path(".hamrong/spark")
    """Spark's own scratch and log files."""
    jars: Path = Path(".hamrong/jars/spark")
    """The Kafka and Delta connectors, brought by `hamrong stack jars`; a cluster that has them needs no folder."""
    ui_port: int = 0
    """Where Spark's own pages are served; 0 = nowhere."""


@dataclass(frozen=True)
class Detection:
    rules: tuple[Path, ...] = (PROJECT / "rules",)
    added: Path = Path(".hamrong/rules")
    """Where `hamrong rules add` puts copies of other people's rules; once there is one, it is the last of `rules`."""
    rules_from: str = ""
    """More rules, from where they are kept: `git+https://HOST/REPO.git@REF#FOLDER`, or an object store's URI
    (`s3://BUCKET/FOLDER`); several are divided by blanks."""
    rule_sets: str = ".hamrong/rule-sets"
    """Where each set that became live is put for the workers: a folder, or a URI, that all of them reach."""
    reload_seconds: float = 1.0
    """How often the streams look for changed rules; 0 = never."""
    fetch_seconds: float = 15.0
    """The same of `rules_from`."""
    sources: Path = PROJECT / "sources.yml"
    cache: Path = Path(".hamrong/cache")
    watermark_seconds: int = 600
    """How late a line may come and still count in a window; relays buffer for minutes, not hours."""
    rule_microseconds: float = 10_000.0
    """What a rule may take by itself for 1,000 events before the streams try it no more."""
    rule_matches: float = 200.0
    """How many matches of a rule are kept of 1,000 events, unless a correlation counts them."""
    rule_costs_seconds: float = 60.0
    """How often each worker tells what its rules have cost, and hears which are quarantined."""
    canary_minutes: float = 60.0
    """Pause between two rounds in which `hamrong run` sends every rule a line that must fire; 0 = it sends none."""
    idle_days: int = 45
    """An account that was not used for so long is put into the list `idle_accounts` by the nightly job; 0 = none is."""
    public_systems: tuple[str, ...] = ("portal", "opendata", "traceability", "ecommerce")
    """Systems of the register where the public logs in: nobody minds that such an account is idle."""
    beat_seconds: float = 60.0
    """How long event time stands still at most where nothing matches; 0 = until something does."""


@dataclass(frozen=True)
class Anomaly:
    models: Path = Path(".hamrong/models")
    window_seconds: int = 3600
    history_days: int = 30
    """How much of the lake `hamrong train` learns from."""
    contamination: float = 0.005
    """The share of training windows that the model may call unusual."""


@dataclass(frozen=True)
class Report:
    folder: Path = Path(".hamrong/reports")
    timezone: str = zone.NAME


@dataclass(frozen=True)
class Triage:
    host: str = "127.0.0.1"
    port: int = 8088
    log_in: str = "local"
    """opensearch: OpenSearch's own accounts and roles; local: whoever is on this machine is an analyst."""
    secret: Secret = Secret("")
    """Signs the sessions; without one they end with the process."""
    https: bool = False
    """The pages are reached by https, so that the session's cookie is sent by nothing else."""
    proxies: str = ""
    """Addresses or networks, divided by commas, of the proxies that say in X-Forwarded-For who the client is; "" = none
    is believed."""
    session_hours: float = 12.0
    """A shift."""
    session_idle_minutes: float = 60.0
    """A session ends when nobody has asked for a page for so long; the refresh of the queue does not count."""
    refresh_seconds: int = 30
    dashboards_url: str = ""
    """Where OpenSearch Dashboards is, for links; "" = none."""
    review_folder: Path = Path(".hamrong/review")
    """Where exceptions that analysts propose wait for an engineer."""


@dataclass(frozen=True)
class Notify:
    severity: str = "critical"
    """This severity and worse."""
    per_minute: int = 10
    """Messages of one channel; more alerts become one message that lists them."""
    begin: str = "latest"
    """Where the very first start begins in the topic: latest, or earliest."""
    pages_url: str = "http://127.0.0.1:8088"
    """Where the alert pages are, for links."""
    templates: str = ""
    """A folder with subject.txt or text.txt of the site's own."""
    webhook_url: str = ""
    webhook_secret: Secret = Secret("")
    mail_to: str = ""
    """Addresses, divided by commas."""
    mail_from: str = "hamrong@localhost"
    smtp_url: str = "smtp://127.0.0.1:25"
    """`smtp://` or `smtps://`, with the account before an @."""
    smtp_password: Secret = Secret("")
    smtp_ca_file: str = ""


@dataclass(frozen=True)
class Config:
    kafka: Kafka = field(default_factory=Kafka)
    opensearch: OpenSearch = field(default_factory=OpenSearch)
    lake: Lake = field(default_factory=Lake)
    gateway: Gateway = field(default_factory=Gateway)
    spark: Spark = field(default_factory=Spark)
    detection: Detection = field(default_factory=Detection)
    anomaly: Anomaly = field(default_factory=Anomaly)
    report: Report = field(default_factory=Report)
    triage: Triage = field(default_factory=Triage)
    notify: Notify = field(default_factory=Notify)


def load(path: Path | None = None, environment: Mapping[str, str] = os.environ) -> Config:
    """The configuration: defaults, then the file, then the environment.

    `path` None means HAMRONG_CONFIG, else `hamrong.yml` here, else no file. Raises InvalidFileError with every
    fault at once.
    """
    if path is None:
        named = environment.get("HAMRONG_CONFIG")
        path = Path(named) if named else (Path("hamrong.yml") if Path("hamrong.yml").exists() else None)
    sections = settings_file.read(Config, path, environment)
    if any(child.is_dir() for child in sections["detection"].added.glob("*")):
        # Once: who was handed the settings of another process was handed it among the others.
        rules = tuple(dict.fromkeys((*sections["detection"].rules, sections["detection"].added)))
        sections["detection"] = dataclasses.replace(sections["detection"], rules=rules)
    return Config(**sections)
