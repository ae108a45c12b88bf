import contextlib
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hamrong.errors import HamrongError, InvalidFileError
from ingest import parsers
from ingest.messages import known_parsers
from ingest.sources import Register, System

TEXT = """
relays: [192.0.2.10, "2001:db8:ff::/64"]
systems:
  - id: portal
    name_vi: Cổng dịch vụ công
    name_en: Public-service portal
    owner_vi: Văn phòng
    owner_en: Office
    addresses: [192.0.2.32/28, "2001:db8:12::/64"]
    hosts: [dvc-*]
    asset_level: 4
    expected_rate: 1.5
    parsers: [nginx]
  - id: lgsp
    name_vi: Trục tích hợp
    name_en: Integration
    owner_vi: Sở
    owner_en: Department
    addresses: [192.0.2.16/29, 192.0.2.40]
    hosts: ["LGSP-?"]
    timezone: UTC
"""


@pytest.fixture
def register(tmp_path: Path) -> Register:
    return Register.load(write(tmp_path, TEXT))


def write(folder: Path, text: str) -> Path:
    path = folder / "sources.yml"
    path.write_text(text, encoding="utf-8")
    return path


def name(system: System | None) -> str | None:
    return system.id if system else None


@pytest.mark.parametrize(
    ("peer", "host", "expected"),
    [
        ("192.0.2.33", "anything", "portal"),
        ("192.0.2.33", None, "portal"),
        ("2001:db8:12::9", None, "portal"),
        ("::ffff:192.0.2.17", None, "lgsp"),
        ("192.0.2.10", "dvc-web1", "portal"),
        ("192.0.2.10", "lgsp-1", "lgsp"),
        ("192.0.2.10", "LGSP-2", "lgsp"),
        ("2001:db8:ff::1", "dvc-1", "portal"),
        ("192.0.2.10", "unknown", None),
        # The address of both: the host name decides.
        ("192.0.2.40", "lgsp-1", "lgsp"),
        ("192.0.2.40", "x", "portal"),
        # No relay: a host name is only a claim.
        ("192.0.2.17", "dvc-web1", "lgsp"),
        ("203.0.113.9", "dvc-web1", None),
        (None, "dvc-web1", None),
        ("nonsense", "dvc-web1", None),
    ],
)
def test_whose_line_it_is(register: Register, peer: str | None, host: str | None, expected: str | None) -> None:
    assert name(register.find(peer, host)) == expected


peers = st.sampled_from([None, "192.0.2.33", "192.0.2.10", "192.0.2.40", "203.0.113.9", "x"])
hosts = st.sampled_from([None, "dvc-web1", "lgsp-1", "other"])


@given(st.lists(st.tuples(peers, hosts), max_size=10))
def test_a_batch_is_located_as_each_line_is(lines: list[tuple[str | None, str | None]]) -> None:
    portal = System("portal", "", "", "", "", hosts=("dvc-*",))
    register = Register((portal,), relays=())
    places = register.locate(
        pa.array([peer for peer, _ in lines], pa.string()), pa.array([host for _, host in lines], pa.string())
    )
    assert [name(register.choices[place]) for place in places] == [name(register.find(*line)) for line in lines]


def test_always_is_one_system_and_a_wrong_name_lists_the_known_ones(register: Register) -> None:
    fixed = register.always("lgsp").in_timezone("Asia/Tokyo")
    place = fixed.locate(pa.array([None], pa.string()), pa.array([None], pa.string()))[0]
    system = fixed.choices[place]
    assert system is not None
    assert (system.id, system.timezone) == ("lgsp", "Asia/Tokyo")
    with pytest.raises(HamrongError, match=r"no system 'lgps'.*did you mean 'lgsp'.*portal, lgsp"):
        register.always("lgps")
    with pytest.raises(HamrongError, match="no time zone"):
        register.in_timezone("Saigon")


def test_every_fault_is_reported_with_its_line(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """relay: []
relays: [300.1.1.1]
systems:
  - id: a
    name_vi: A
    name_en: A
    owner_vi: A
    owner_en: A
    timezone: Saigon
    asset_level: 9
    expected_rate: many
  - id: b
    name_vi: B
    adresses: [192.0.2.0/33]
    addresses: 192.0.2.1
    hosts: dvc
  - just text
""",
    )
    with pytest.raises(InvalidFileError) as caught:
        Register.load(path)
    told = str(caught.value)
    assert f"{path}:1: unknown key 'relay' (hint: did you mean 'relays'?)" in told
    assert f"{path}:2: relays:" in told
    assert f"{path}:11: expected_rate is not a number" in told
    assert f"{path}:12: a system without 'owner_vi'" in told
    assert f"{path}:14: unknown key 'adresses' (hint: did you mean 'addresses'?)" in told
    assert f"{path}:15: addresses is not a list" in told
    assert f"{path}:16: hosts is not a list" in told
    assert f"{path}:17: a system is not 'key: value' lines" in told


def test_values_out_of_range_and_an_id_twice(tmp_path: Path) -> None:
    row = "  - {id: a, name_vi: A, name_en: A, owner_vi: A, owner_en: A, timezone: Saigon, asset_level: 9}\n"
    with pytest.raises(InvalidFileError) as caught:
        Register.load(write(tmp_path, "systems:\n" + row * 2))
    assert [(problem.line, problem.what.split(" ")[0]) for problem in caught.value.problems] == [
        (2, "'Saigon'"),
        (2, "asset_level"),
        (3, "'Saigon'"),
        (3, "asset_level"),
        (3, "system"),
    ]


@pytest.mark.parametrize("text", ["", "- 1", "systems: 3", "systems:\n  - id: [", "\tsystems: []", "a: &a [*a]"])
def test_what_is_no_register_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidFileError):
        Register.load(write(tmp_path, text))


@given(text=st.text(alphabet="ab:- []{}\n\"'0&*!|>#", max_size=40))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = write(tmp_path_factory.mktemp("sources"), text)
    with contextlib.suppress(InvalidFileError):
        Register.load(path)


def test_the_projects_own_register_stands() -> None:
    systems = Register.load(Path(__file__).parents[2] / "sources.yml").systems
    assert len({system.id for system in systems}) == len(systems) >= 9
    modules = {parser.module for parser in known_parsers()}
    files = {path.stem for path in Path(parsers.__file__).parent.glob("*.py")}
    assert {hint for system in systems for hint in system.parsers} <= modules | files
