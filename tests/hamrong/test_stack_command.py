"""What `hamrong stack` says and returns when it cannot do what it is asked; no service is started."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from hamrong.cli import main
from hamrong.errors import ServiceError
from hamrong.stack import embedded, jars, opensearch
from hamrong.stack.process import Services


def test_nothing_runs_in_an_empty_home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stack", "status", "--home", str(tmp_path), "--json"]) == 1
    services = json.loads(capsys.readouterr().out)["services"]
    assert [(service["name"], service["state"]) for service in services] == [
        ("kafka", "stopped"),
        ("opensearch", "stopped"),
    ]
    assert main(["stack", "down", "--home", str(tmp_path / "none")]) == 0
    assert capsys.readouterr().out == "nothing was running\n"


def test_endpoints_of_a_stack_that_does_not_run(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match=r"embedded kafka of .* does not run: start it with 'hamrong stack up'"):
        embedded.environment(tmp_path)


def test_services_that_others_recorded_are_shown_and_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    services = Services(tmp_path)
    gateway = services.start("gateway", ["sleep", "600"], ports={"tcp": 5514}, ready=lambda: True)
    main(["stack", "status", "--home", str(tmp_path)])
    assert f"gateway     running        pid {gateway.pid}" in capsys.readouterr().out
    assert main(["stack", "down", "--home", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "stopped: gateway\n"
    assert not gateway.alive


def test_no_java_is_one_sentence_and_exit_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(jars, "fetch", lambda home, progress: None)  # they are there from an earlier day
    assert main(["stack", "up", "--home", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("hamrong stack: no 'java' on PATH: install Java 17")
    assert (said.err.count("\n"), said.out) == (1, "")
    assert Services(tmp_path).status() == []


def test_a_full_disk_is_one_sentence_and_exit_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=300 << 20))
    monkeypatch.delattr(embedded, "find_java")  # so that a broken check starts nothing
    assert main(["stack", "up", "--home", str(tmp_path)]) == 2
    assert "only 0.3 GB is free on the disk of" in capsys.readouterr().err


def test_a_home_that_cannot_be_a_folder_is_one_sentence_and_exit_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main(["stack", "jars", "--home", str(tmp_path / "file")]) == 2
    assert "cannot be used (File exists): name a writable folder with --home" in capsys.readouterr().err


def test_no_port_left_for_opensearch_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opensearch, "PORTS", [9200, 9299])
    monkeypatch.setattr("hamrong.stack.ports.is_free", lambda port: False)
    with pytest.raises(ServiceError, match="no port between 9200 and 9299 is free for OpenSearch: stop what listens"):
        opensearch.launch(Services(tmp_path), tmp_path)
