"""road: the gateway, the Spark jobs and the alert pages beside the embedded Kafka and OpenSearch, all below one home.

In:   the home folder
Out:  the running road: the configuration that its processes share
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rich.progress import Progress

from hamrong import config
from hamrong.config import Config
from hamrong.errors import ServiceError
from hamrong.stack import embedded
from hamrong.stack.ports import choose_port, is_served
from hamrong.stack.process import Services

GATEWAY, JOBS, PAGES = "gateway", "spark", "triage"
VERBS = {GATEWAY: "gateway", JOBS: "run", PAGES: "triage"}
GATEWAY_PORTS = range(5514, 5614)
UI_PORTS = range(4040, 4140)
PAGES_PORTS = range(8088, 8188)
JOBS_SECONDS = 180.0


def up(home: Path, progress: Progress) -> Config:
    """Start whatever does not run, wait until the gateway listens and the jobs run; the configuration they have."""
    embedded.up(home, config.load().kafka, progress)
    services = Services(home)
    environment = {
        **embedded.environment(home),
        **folders(home),
        **_ports(services, home),
    }
    command = [sys.executable, "-m", "hamrong.cli"]
    gateway = progress.add_task("starting the gateway", total=None)
    jobs = progress.add_task("starting the Spark jobs (JVM and Python workers warm up)", total=None)
    started = [services.launch(name, [*command, verb], env=environment) for name, verb in VERBS.items()]
    port = int(environment["HAMRONG_GATEWAY_TCP_PORT"])
    services.wait(started[0], lambda: is_served(port), 30)
    progress.update(gateway, total=1, completed=1)
    services.wait(started[1], lambda: "running: " in _text(started[1].log), JOBS_SECONDS)
    progress.update(jobs, total=1, completed=1)
    services.wait(started[2], lambda: is_served(int(environment["HAMRONG_TRIAGE_PORT"])), 30)
    return config.load(environment={**os.environ, **environment})


def folders(home: Path) -> dict[str, str]:
    """The settings that keep every state of the road below `home`."""
    root = home.resolve()
    return {
        "HAMRONG_LAKE_PATH": str(root / "lake"),
        "HAMRONG_GATEWAY_SPOOL": str(root / "spool"),
        "HAMRONG_SPARK_CHECKPOINTS": str(root / "checkpoints"),
        "HAMRONG_SPARK_WORK": str(root / "spark"),
        "HAMRONG_SPARK_JARS": str(root / "jars/spark"),
        "HAMRONG_DETECTION_CACHE": str(root / "cache"),
        "HAMRONG_DETECTION_RULE_SETS": str(root / "rule-sets"),
        "HAMRONG_ANOMALY_MODELS": str(root / "models"),
        "HAMRONG_REPORT_FOLDER": str(root / "reports"),
        "HAMRONG_TRIAGE_REVIEW_FOLDER": str(root / "review"),
    }


def _ports(services: Services, home: Path) -> dict[str, str]:
    """The ports of the running processes, else free ones, the same as last time when they are free."""
    chosen = {}
    for name, setting, wishes in (
        (GATEWAY, "GATEWAY_TCP_PORT", GATEWAY_PORTS),
        (JOBS, "SPARK_UI_PORT", UI_PORTS),
        (PAGES, "TRIAGE_PORT", PAGES_PORTS),
    ):
        memory = home / "ports" / setting.lower()
        service = services.find(name)
        port = int(memory.read_text("ascii")) if service and service.alive else choose_port(memory, wishes)
        if port is None:
            raise ServiceError(f"no port of {wishes[0]}-{wishes[-1]} is free for {name}: stop what uses them")
        chosen[f"HAMRONG_{setting}"] = str(port)
    return {**chosen, "HAMRONG_GATEWAY_UDP_PORT": chosen["HAMRONG_GATEWAY_TCP_PORT"]}


def _text(log: Path) -> str:
    return log.read_text("utf-8", errors="replace") if log.exists() else ""
