"""The Dockerfile and the guide to a server, checked without a Docker engine."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from hamrong.cli import build_parser
from hamrong.config import PROJECT
from tests.deploy import compose

SERVICES = compose.services()
DOCKERFILE = (PROJECT / "Dockerfile").read_text(encoding="utf-8")


def test_the_image_installs_by_hash_and_its_commands_are_ours() -> None:
    steps = re.sub(r"\\\n\s*", "", DOCKERFILE)
    assert not re.search(r"^(ARG|ENV) .*(PASSWORD|SECRET)", DOCKERFILE, re.MULTILINE)
    assert "--require-hashes -r requirements.lock" in steps
    for command in re.findall(r"(?:RUN|&&) (hamrong [^&\n]+)", steps):
        build_parser().parse_args(shlex.split(command)[1:])
    assert json.loads(re.findall(r"^ENTRYPOINT (.*)$", DOCKERFILE, re.MULTILINE)[0]) == ["hamrong"]


def test_the_image_has_what_its_services_need() -> None:
    (jars,) = re.findall(r"^ENV HAMRONG_SPARK_JARS=(.*)$", DOCKERFILE, re.MULTILINE)
    (home,) = re.findall(r"hamrong stack jars --home (\S+)", DOCKERFILE)
    assert jars == f"{home}/jars/spark"
    (user,) = re.findall(r"useradd --uid (\d+)", DOCKERFILE)
    assert "service proxy 101 " in (PROJECT / "deploy/certificates.sh").read_text(encoding="utf-8")
    assert SERVICES["proxy"].content["user"] == "101"
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


@pytest.mark.slow
def test_the_first_alert_of_the_guide_is_raised(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    guide = (PROJECT / "docs/guide/deploy.md").read_text(encoding="utf-8")
    (times, program, text) = re.findall(r'for n in \$\(seq (\d+)\); do logger -t (\w+) -p auth.info "([^"]+)"', guide)[
        0
    ]
    (title,) = re.findall(r"^The alert \*([^*]+)\*", guide, re.MULTILINE)
    log = tmp_path / "lines.log"
    lines = [
        f"<38>1 2026-11-24T08:00:{n:02}+07:00 web1 {program} - - - {text.replace('$((40000 + n))', str(40000 + n))}\n"
        for n in range(int(times))
    ]
    log.write_text("".join(lines))
    rules = str(PROJECT / "rules/correlation/ssh_brute_force.yml")
    args = build_parser().parse_args(["scan", "--rules", rules, "--events", "log", str(log)])
    assert args.run(args) in (0, 1)
    assert [json.loads(line)["title"] for line in capsys.readouterr().out.splitlines()][-1] == title
