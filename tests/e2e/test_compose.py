"""The services of docker-compose.yml without containers: the same commands and settings at other addresses.

Before the embedded OpenSearch stands what answers as its security plugin does, with the users of deploy/opensearch.sh:
so each service has the rights of its role and no more.
"""

from __future__ import annotations

import http.server
import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import urllib3
from opensearchpy import OpenSearch, TransportError

from hamrong.config import PROJECT
from hamrong.demo import scene, traffic
from hamrong.stack.ports import any_port, is_served
from tests.deploy import compose
from tests.deploy.secured import Secured, serving

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


ANALYST, PASSWORD = "lan", "mật khẩu đủ dài"


@pytest.fixture
def secured(opensearch_url: str) -> Iterator[Secured]:
    users = {
        "admin": (compose.DOTENV["OPENSEARCH_ADMIN_PASSWORD"], ["admin"]),
        "hamrong": (compose.DOTENV["HAMRONG_OPENSEARCH_PASSWORD"], ["soc_ingest"]),
        ANALYST: (PASSWORD, ["soc_analyst"]),
    }
    with serving(Secured(users, opensearch_url)) as there:
        yield there


class Webhook(http.server.ThreadingHTTPServer):
    """Who is told of critical alerts."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        told = self.told

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def environment(tmp_path: Path, kafka_bootstrap: str, secured: Secured, webhook: Webhook) -> dict[str, str]:
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
        "HAMRONG_OPENSEARCH_URL": secured.url,
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
        "HAMRONG_TRIAGE_HOST": "127.0.0.1",
        "HAMRONG_TRIAGE_PORT": str(any_port()),
        # Whatever is raised, and not only from now on: the test has no night to wait for.
        "HAMRONG_NOTIFY_SEVERITY": "low",
        "HAMRONG_NOTIFY_BEGIN": "earliest",
        "HAMRONG_NOTIFY_WEBHOOK_URL": f"http://127.0.0.1:{webhook.server_port}/",
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


class Pages:
    """A browser at the alert pages, without a script. The session's cookie is for https, which the proxy would end."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"
        self._cookie = ""

    def get(self, path: str) -> str:
        return self._asked("GET", path).data.decode()

    def log_in(self) -> None:
        answer = self._asked("POST", "/soc/log-in", {"name": ANALYST, "password": PASSWORD})
        assert (answer.status, answer.headers["Location"]) == (303, "/soc/queue")
        self._cookie = answer.headers["Set-Cookie"].split(";")[0]

    def change(self, path: str, **fields: str) -> None:
        hidden = dict(re.findall(r'type="hidden" name="(csrf|revision)" value="([^"]+)"', self.get(path)))
        answer = self._asked("POST", path, {**hidden, **fields})
        assert answer.status == 303, answer.data.decode()

    def _asked(self, method: str, path: str, fields: dict[str, str] | None = None) -> urllib3.BaseHTTPResponse:
        body = urllib.parse.urlencode(fields).encode() if fields else None
        headers = {"Cookie": self._cookie, "Content-Type": "application/x-www-form-urlencoded"}
        # The first page of an alert waits until the rules are read.
        return urllib3.request(
            method, self._url + path, body=body, headers=headers, redirect=False, retries=False, timeout=90
        )


def test_the_composed_services_carry_lines_to_alerts_to_people_and_to_a_report(
    tmp_path: Path, environment: dict[str, str], opensearch_client: OpenSearch, secured: Secured, webhook: Webhook
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

    planned = composed.run("init", "init", "--dry-run")
    assert planned.returncode == 0, planned.stderr
    for what in ("topic compose.raw", "index template compose-alerts", "policy soc-audit", "role soc_ingest"):
        assert f"{what}: would be created" in planned.stdout
    assert secured.puts == []
    assert not opensearch_client.indices.exists_index_template(name="compose-alerts")
    made = composed.run("init")
    assert made.returncode == 0, made.stderr
    assert "topic compose.raw: created" in made.stdout
    again = composed.run("init")
    assert {line.rpartition(": ")[2] for line in again.stdout.splitlines()} == {"unchanged"}, again.stdout
    tls = environment["HAMRONG_GATEWAY_TLS_PORT"]
    with (
        composed.running("gateway", lambda _: is_served(int(tls))),
        composed.running("run", lambda log: "running: " in log.read_text()),
    ):
        authority = str(tmp_path / "certificates/ca.pem")
        sent = composed.run("gateway", "replay", "lines.log", "--to", f"tls://localhost:{tls}", "--ca", authority)
        assert sent.returncode == 0, sent.stderr
        assert f"{len(lines)} lines" in sent.stdout
        wait(lambda: not missing(), 300)
    pages = Pages(int(environment["HAMRONG_TRIAGE_PORT"]))
    with (
        composed.running("triage", lambda log: "/soc/queue" in log.read_text()),
        composed.running("notify", lambda log: "notifying by webhook" in log.read_text()),
    ):
        assert 'name="password"' in pages.get("/soc/log-in")
        pages.log_in()
        assert "203.0.113." in pages.get("/soc/queue")
        wait(lambda: bool(webhook.told), 60)
        told = webhook.told[0]["alerts"][0]
        assert told["link"] == f"https://soc.example.org:443/soc/alert/{told['id']}"
        page = f"/soc/alert/{told['id']}"
        assert told["entity"]["value"] in pages.get(page)
        pages.change(page, action="acknowledge")
    (changed,) = opensearch_client.search(index="compose-alerts*", body={"query": {"ids": {"values": [told["id"]]}}})[
        "hits"
    ]["hits"]
    assert changed["_source"]["soc"]["alert"]["acknowledged_by"] == ANALYST
    today = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")).date().isoformat()
    assert composed.run("nightly", "maintain", "--indices").returncode == 0
    night = composed.run("nightly", "nightly", "--day", today)
    assert night.returncode == 0, night.stderr
    report = Path(night.stdout.strip().splitlines()[-1])
    assert report.parent == tmp_path / "data/reports"
    assert "203.0.113." in report.read_text(encoding="utf-8")
    # Every right that a service lacked, of all that were asked for above.
    assert secured.refused == []
