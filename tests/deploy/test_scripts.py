"""The shell scripts that the containers run."""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from hamrong.config import PROJECT
from tests.deploy import compose

DEPLOY = PROJECT / "deploy"
pytestmark = pytest.mark.slow

SERVICES = ("admin", "gateway", "opensearch", "opensearch-dashboards", "proxy")


def program(folder: Path, name: str, text: str) -> None:
    """Puts a program of the test's own before the real one on PATH."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def make_certificates(folder: Path, bin_folder: Path, server: str = "soc.example.org") -> None:
    # Giving files to another user takes root; everything else does not.
    program(bin_folder, "chown", "exit 0")
    env = {"PATH": f"{bin_folder}:{os.environ['PATH']}", "SERVER_NAME": server}
    subprocess.run(["sh", DEPLOY / "certificates.sh", folder], env=env, check=True, capture_output=True)


def handshake(folder: Path, service: str, name: str) -> None:
    """A TLS handshake in memory between the service and a client that trusts the authority."""
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(folder / service / "certificate.pem", folder / service / "key.pem")
    client_side = ssl.create_default_context(cafile=folder / "ca.pem")
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_side.wrap_bio(to_client, to_server, server_hostname=name)
    server = server_side.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert client.version() is not None


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert shutil.which("openssl"), "openssl is not installed; as root: apt-get install openssl"
    folder = tmp_path_factory.mktemp("certificates")
    make_certificates(folder, tmp_path_factory.mktemp("bin"))
    return folder


@pytest.mark.parametrize(
    ("service", "name"),
    [
        ("gateway", "soc.example.org"),
        ("proxy", "soc.example.org"),
        ("opensearch", "opensearch"),
        ("opensearch-dashboards", "opensearch-dashboards"),
    ],
)
def test_a_client_that_trusts_the_authority_trusts_the_service(certificates: Path, service: str, name: str) -> None:
    handshake(certificates, service, name)
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(certificates, service, "other.example.org")


def test_a_server_without_a_name_is_trusted_by_its_address(certificates: Path, tmp_path: Path) -> None:
    folder = tmp_path / "certificates"
    shutil.copytree(certificates, folder)
    for name in ("certificate.pem", "key.pem"):
        (folder / "proxy" / name).unlink()
    make_certificates(folder, tmp_path / "bin", "192.0.2.7")
    handshake(folder, "proxy", "192.0.2.7")


def test_keys_are_closed_and_in_the_form_opensearch_wants(certificates: Path) -> None:
    for service in SERVICES:
        key = certificates / service / "key.pem"
        assert key.stat().st_mode & 0o777 == 0o400
        assert key.read_text().startswith("-----BEGIN PRIVATE KEY-----")
        assert (certificates / service).stat().st_mode & 0o777 == 0o755
    assert (certificates / "ca.key").stat().st_mode & 0o077 == 0
    assert (certificates / "ca.pem").stat().st_mode & 0o777 == 0o444


def test_names_are_those_that_opensearch_is_told(certificates: Path) -> None:
    settings = yaml.safe_load((DEPLOY / "opensearch.yml").read_text())
    expected = {
        "opensearch": settings["plugins.security.nodes_dn"],
        "admin": settings["plugins.security.authcz.admin_dn"],
    }
    for service, names in expected.items():
        command = ["openssl", "x509", "-noout", "-subject", "-nameopt", "RFC2253"]
        done = subprocess.run(
            [*command, "-in", certificates / service / "certificate.pem"], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip().removeprefix("subject=") in names


def test_a_second_run_keeps_what_is_valid_and_renews_what_runs_out(certificates: Path, tmp_path: Path) -> None:
    folder = tmp_path / "certificates"
    shutil.copytree(certificates, folder)
    old = folder / "gateway" / "certificate.pem"
    old.chmod(0o600)
    key: list[str | Path] = ["-key", folder / "gateway" / "key.pem"]
    subprocess.run(["openssl", "req", "-x509", "-new", *key, "-days", "2", "-subj", "/CN=x", "-out", old], check=True)
    (folder / "gateway" / "key.pem").chmod(0o600)
    make_certificates(folder, tmp_path / "bin")
    handshake(folder, "gateway", "soc.example.org")
    for kept in ("ca.pem", "opensearch/certificate.pem", "opensearch/key.pem"):
        assert (folder / kept).read_bytes() == (certificates / kept).read_bytes()


def test_the_night_begins_at_the_local_hour_and_a_failure_does_not_end_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    program(tmp_path / "bin", "sleep", f'echo "sleep $1" >> {log}')
    program(
        tmp_path / "bin", "hamrong", f'echo "hamrong $*" >> {log}; [ $(wc -l < {log}) -lt 6 ] || kill $PPID; exit 1'
    )
    env = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "TZ": "Asia/Ho_Chi_Minh", "NIGHTLY_AT": "01:00"}
    before = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh"))
    done = subprocess.run(
        ["sh", DEPLOY / "nightly.sh"], env=env, capture_output=True, text=True, timeout=20, check=False
    )
    lines = log.read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["sleep", "hamrong", "hamrong"] * 2
    assert lines[1:3] == ["hamrong maintain --indices", "hamrong nightly"]
    start = before + timedelta(seconds=int(lines[0].split()[1]))
    next_night = before.replace(hour=1, minute=0, second=0, microsecond=0) + timedelta(days=before.hour >= 1)
    assert abs(start - next_night) < timedelta(seconds=5)
    assert "failed with exit code 1" in done.stderr


@pytest.fixture
def opensearch_home(tmp_path: Path) -> Path:
    """What opensearch.sh finds in the official image."""
    tools = tmp_path / "plugins/opensearch-security/tools"
    tools.mkdir(parents=True)
    # As the real tool: a notice first, then the hash, with the dollar signs of bcrypt; without a password, a failure.
    (tools / "hash.sh").write_text(
        'echo "** notice **"; secret=$(printenv "$2") || exit 255\n'
        'printf "%s\\n" "\\$2y\\$12\\$$(printf %s "$secret" | sha256sum | head -c 20)"\n'
    )
    (tmp_path / "config/opensearch-security").mkdir(parents=True)
    program(tmp_path, "opensearch-docker-entrypoint.sh", 'echo "started $*"; env')
    return tmp_path


def start_opensearch(home: Path, **passwords: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "OPENSEARCH_HOME": str(home), **passwords}
    return subprocess.run(["bash", DEPLOY / "opensearch.sh"], env=env, capture_output=True, text=True, check=False)


def test_opensearch_gets_users_with_hashes_and_forgets_the_passwords(opensearch_home: Path) -> None:
    done = start_opensearch(
        opensearch_home, ADMIN_PASSWORD="a-secret", DASHBOARDS_PASSWORD="b-secret", HAMRONG_PASSWORD="c-secret"
    )
    assert done.stdout.startswith("started opensearch\n"), done.stderr
    assert "secret" not in done.stdout
    written = (opensearch_home / "config/opensearch-security/internal_users.yml").read_text()
    assert "secret" not in written
    users = yaml.safe_load(written)
    assert users.keys() == {"_meta", "admin", "kibanaserver", "hamrong"}
    hashes = [users[name]["hash"] for name in ("admin", "kibanaserver", "hamrong")]
    assert len(set(hashes)) == 3
    assert all(digest.startswith("$2y$12$") for digest in hashes)
    assert {name: user.get("backend_roles", []) for name, user in users.items() if name != "_meta"} == {
        "admin": ["admin"],
        "kibanaserver": [],
        "hamrong": ["soc_ingest"],
    }


def test_opensearch_does_not_start_when_a_password_is_missing(opensearch_home: Path) -> None:
    done = start_opensearch(opensearch_home, ADMIN_PASSWORD="a-secret", DASHBOARDS_PASSWORD="b-secret")
    assert done.returncode != 0
    assert "started" not in done.stdout


def environment(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`deploy/env.sh` in a checkout of its own."""
    (folder / "deploy").mkdir(exist_ok=True)
    for name in ("env.sh", "example.env"):
        shutil.copy(DEPLOY / name, folder / "deploy" / name)
    command = ["sh", str(folder / "deploy/env.sh"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def values(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def test_the_environment_gets_secrets_of_its_own_and_keeps_them(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert environment(tmp_path / "a", "soc.example.org").returncode == 0
    assert environment(tmp_path / "b", "soc.example.org").returncode == 0
    one, other = values(tmp_path / "a/.env"), values(tmp_path / "b/.env")
    assert one.keys() == compose.DOTENV.keys()
    assert one.pop("SERVER_NAME") == other.pop("SERVER_NAME") == "soc.example.org"
    secrets = [*one.values(), *other.values()]
    assert len(set(secrets)) == len(secrets)
    assert all(re.fullmatch(r"[0-9a-f]{48}", secret) for secret in secrets)
    assert (tmp_path / "a/.env").stat().st_mode & 0o777 == 0o600

    before = (tmp_path / "a/.env").read_text()
    changed = before.replace("#HTTPS_PORT=443", "HTTPS_PORT=8443").replace(
        "#NOTIFY_MAIL_TO=", "NOTIFY_MAIL_TO=a@example.org"
    )
    # An installation from before there were alert pages.
    (tmp_path / "a/.env").write_text(re.sub(r"^TRIAGE_SECRET=.*\n", "", changed, flags=re.MULTILINE))
    assert environment(tmp_path / "a", "other.example.org").returncode == 0
    after = values(tmp_path / "a/.env")
    assert {name: after[name] for name in one if name != "TRIAGE_SECRET"} == {
        name: value for name, value in one.items() if name != "TRIAGE_SECRET"
    }
    assert (after["SERVER_NAME"], after["HTTPS_PORT"], after["NOTIFY_MAIL_TO"]) == (
        "soc.example.org",
        "8443",
        "a@example.org",
    )
    assert re.fullmatch(r"[0-9a-f]{48}", after["TRIAGE_SECRET"])


@pytest.mark.parametrize("name", ["", "soc example", "$(id)"])
def test_what_is_no_name_of_a_server_makes_no_environment(tmp_path: Path, name: str) -> None:
    done = environment(tmp_path, *([name] if name else []))
    assert done.returncode == 2
    assert "soc.example.org" in done.stderr
    assert not (tmp_path / ".env").exists()
