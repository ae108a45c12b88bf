"""Settings: defaults, file, environment, and every fault at once with its line."""

import os
from pathlib import Path

import pytest

from hamrong import config
from hamrong.errors import InvalidFileError


def test_defaults_need_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert config.load(environment={}).kafka.raw_topic == "syslog.raw"


def test_the_environment_wins_over_the_file_and_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    path = tmp_path / "hamrong.yml"
    path.write_text("gateway:\n  tcp_port: 601\n  spool: var/spool\ndetection:\n  rules: [a, /b]\n")
    cfg = config.load(path, {"HAMRONG_GATEWAY_TCP_PORT": "602", "HAMRONG_OPENSEARCH_PASSWORD": "s3cret"})
    assert cfg.gateway.tcp_port == 602
    assert cfg.gateway.spool == tmp_path / "var/spool"
    assert cfg.detection.rules == (tmp_path / "a", Path("/b"))
    assert cfg.opensearch.password.reveal() == "s3cret"
    assert "s3cret" not in f"{cfg} {cfg.opensearch.password} {cfg.opensearch.password!r}"


def test_several_values_are_of_their_own_type(tmp_path: Path) -> None:
    file = tmp_path / "hamrong.yml"
    file.write_text("detection:\n  rules: [mine]\n", encoding="utf-8")
    detection = config.load(file, {"HAMRONG_DETECTION_PUBLIC_SYSTEMS": f"portal{os.pathsep}lgsp"}).detection
    assert detection.public_systems == ("portal", "lgsp")
    assert detection.rules == (tmp_path / "mine",)


def test_every_fault_is_named_at_once_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "hamrong.yml"
    path.write_text("kafka:\n  topik: x\n  partitions: many\nspak:\n  master: local\nlake: 7\n")
    with pytest.raises(InvalidFileError) as caught:
        config.load(path, {})
    found = [(problem.line, problem.what.split(",")[0]) for problem in caught.value.problems]
    assert found == [
        (2, "kafka.topik is unknown"),
        (3, "kafka.partitions is 'many'"),
        (4, "unknown section 'spak'"),
        (6, "lake is 7"),
    ]
    assert "known: bootstrap_servers" in str(caught.value)


def test_a_wrong_variable_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        InvalidFileError, match=r"^HAMRONG_KAFKA_PARTITIONS: is 'many' \(hint: write a value of type int"
    ):
        config.load(environment={"HAMRONG_KAFKA_PARTITIONS": "many"})


@pytest.mark.parametrize("text", ["a: [", "- 1", "\xff"])
def test_what_is_not_a_mapping_is_one_problem(tmp_path: Path, text: str) -> None:
    path = tmp_path / "hamrong.yml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InvalidFileError, match=r"hamrong\.yml:\d+: "):
        config.load(path, {})


def test_a_named_file_that_is_absent_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match="cannot be read"):
        config.load(tmp_path / "none.yml", {})
