"""The services of docker-compose.yml without containers: the same commands and settings at other addresses."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from opensearchpy import OpenSearch, TransportError

from hamrong.config import PROJECT
from hamrong.demo import scene, traffic
from hamrong.stack.ports import any_port, is_served
from tests.deploy import compose

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


@pytest.fixture
def environment(tmp_path: Path, kafka_bootstrap: str, opensearch_url: str) -> dict[str, str]:
    """What replaces, in every service's environment, the places that only exist among containers."""
    made = subprocess.run(
        ["sh", PROJECT / "deploy/certificates.sh", tmp_path / "certificates"],
        env={**os.environ, "SERVER_NAME": "localhost"},
        capture_output=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    return {
        "HAMRONG_KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap,
        "HAMRONG_KAFKA_RAW_TOPIC": "compose.raw",
        "HAMRONG_KAFKA_DEAD_TOPIC": "compose.dead",
        "HAMRONG_KAFKA_ALERTS_TOPIC": "compose.alerts",
        "HAMRONG_OPENSEARCH_URL": opensearch_url,
        # The embedded OpenSearch has no security.
        "HAMRONG_OPENSEARCH_USER": "",
        "HAMRONG_OPENSEARCH_CA_FILE": "",
        "HAMRONG_OPENSEARCH_ALERTS_ALIAS": "compose-alerts",
        "HAMRONG_GATEWAY_HOST": "127.0.0.1",
        "HAMRONG_GATEWAY_TCP_PORT": str(any_port()),
        "HAMRONG_GATEWAY_UDP_PORT": str(any_port()),
        "HAMRONG_GATEWAY_TLS_PORT": str(any_port()),
        "HAMRONG_GATEWAY_STATUS_PORT": str(any_port()),
        "HAMRONG_SPARK_UI_PORT": str(any_port()),
        "HAMRONG_SPARK_DRIVER_MEMORY": "1500m",
        "HAMRONG_SPARK_JARS": str(PROJECT / ".hamrong/jars/spark"),
    }


class Composed:
    """Starts services as Compose would."""

    def __init__(self, folder: Path, places: Mapping[str, str]) -> None:
        self._folder, self._places = folder, places
        self._services = compose.services()

    def environment(self, service: str) -> dict[str, str]:
        volumes = {"/var/lib/hamrong": "data", "/var/spool/hamrong": "spool", "/certificates": "certificates"}
        env = {}
        for name, value in self._services[service].env.items():
            for place, folder in volumes.items():
                value = value.replace(place, str(self._folder / folder))
            env[name] = self._places.get(name, value)
        return {**os.environ, **self._places, **env}

    def run(self, service: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        argv = self._argv(service) if not arguments else [sys.executable, "-m", "hamrong.cli", *arguments]
        return subprocess.run(
            argv,
            env=self.environment(service),
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    @contextmanager
    def running(self, service: str, ready: Callable[[Path], bool]) -> Iterator[None]:
        log = self._folder / f"{service}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                self._argv(service), env=self.environment(service), cwd=self._folder, stdout=out, stderr=out
            )
            try:
                wait(lambda: ready(log) or process.poll() is not None, 180)
                assert process.poll() is None, log.read_text()
                yield
                process.terminate()
                assert process.wait(60) == 0, log.read_text()[-3000:]
            finally:
                process.kill()
                process.wait()

    def _argv(self, service: str) -> list[str]:
        program, *arguments = self._services[service].argv
        assert program == "hamrong"
        return [sys.executable, "-m", "hamrong.cli", *arguments]


def wait(done: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.5)


def test_the_composed_services_carry_lines_to_alerts_and_a_report(
    tmp_path: Path, environment: dict[str, str], opensearch_client: OpenSearch
) -> None:
    composed = Composed(tmp_path, environment)
    scenes = scene.load()
    lines = traffic.render(scenes, 3, datetime.now(UTC), 20, 20)
    (tmp_path / "lines.log").write_bytes(b"\n".join(line for _, line in lines) + b"\n")
    expected = {
        (alert.rule_id, alert.entity_value)
        for alert in traffic.expected(scenes, 3)
        if alert.rule_id != scene.ANOMALY  # a new installation has no model
    }

    def missing() -> set[tuple[str, str]]:
        try:
            found = opensearch_client.search(index="compose-alerts*", body={"size": 1000})["hits"]["hits"]
        except TransportError as error:
            if error.status_code != 503:  # what an index of this moment answers until its shard has started
                raise
            return expected
        alerts = [hit["_source"] for hit in found]
        return expected - {(alert["rule"]["id"], alert["soc"]["alert"]["entity"]["value"]) for alert in alerts}

    for _ in range(2):
        made = composed.run("init")
        assert made.returncode == 0, made.stderr
    tls = environment["HAMRONG_GATEWAY_TLS_PORT"]
    with (
        composed.running("gateway", lambda _: is_served(int(tls))),
        composed.running("run", lambda log: "running: " in log.read_text()),
    ):
        authority = str(tmp_path / "certificates/ca.pem")
        sent = composed.run("gateway", "replay", "lines.log", "--to", f"tls://localhost:{tls}", "--ca", authority)
        assert sent.returncode == 0, sent.stderr
        assert f"{len(lines)} lines" in sent.stdout
        wait(lambda: not missing(), 120)
    today = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")).date().isoformat()
    told = composed.run("nightly", "nightly", "--day", today)
    assert told.returncode == 0, told.stderr
    report = Path(told.stdout.strip().splitlines()[-1])
    assert report.parent == tmp_path / "data/reports"
    assert "203.0.113." in report.read_text(encoding="utf-8")
