"""Alert pages that are really served, on alerts in the real OpenSearch, and the browser that looks at them."""

from __future__ import annotations

import dataclasses
import shutil
import socket
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from opensearchpy import OpenSearch
from playwright.sync_api import Browser, sync_playwright

from dashboards.loader import install_templates
from hamrong.config import Config
from tests.e2e.pages import FAULTS
from triage import store
from triage.web.app import build

SQL_INJECTION = "web_sql_injection"


@pytest.fixture
def no_faults() -> Iterator[None]:
    FAULTS.clear()
    yield
    assert not FAULTS


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    assert program, "chromium is not on PATH; install Debian's package chromium"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture
def alerts(opensearch_client: OpenSearch, opensearch_url: str, cfg: Config) -> Iterator[Any]:
    """A function that puts alerts, and the address of pages that show them."""
    alias = f"alerts-{uuid.uuid4().hex[:8]}"
    install_templates(opensearch_client, alias=alias)
    changed = dataclasses.replace(
        cfg,
        opensearch=dataclasses.replace(cfg.opensearch, url=opensearch_url, alerts_alias=alias),
        triage=dataclasses.replace(cfg.triage, review_folder=cfg.report.folder.parent / "review"),
    )
    listener = socket.create_server(("127.0.0.1", 0))
    app = build(changed)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()

    class Alerts:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        review = changed.triage.review_folder
        rule = next(one.id for one in app.state.office.ruleset.rules if SQL_INJECTION in one.path)

        @staticmethod
        def put(*documents: dict[str, Any]) -> list[str]:
            assert [why for _, why in store.put(opensearch_client, documents, alias) if why] == []
            opensearch_client.indices.refresh(index=f"{alias}-*")
            return [one["soc"]["alert"]["id"] for one in documents]

        @staticmethod
        def stored(identity: str) -> dict[str, Any]:
            found = opensearch_client.search(index=alias, body={"query": {"ids": {"values": [identity]}}})
            return dict(found["hits"]["hits"][0]["_source"]["soc"]["alert"])

        @staticmethod
        def audited(action: str) -> int:
            opensearch_client.indices.refresh(index="soc-audit-*")
            wanted = {"query": {"term": {"event.action": action}}}
            return int(opensearch_client.count(index="soc-audit-*", body=wanted)["count"])

    yield Alerts()
    server.should_exit = True
    thread.join(10)
    listener.close()
    opensearch_client.indices.delete(index=",".join(opensearch_client.indices.get(index=f"{alias}-*")), ignore=[404])
    opensearch_client.indices.delete_index_template(name=alias, ignore=[404])
