import pyarrow as pa
import pytest

from ingest.community_id import community_ids

Flow = tuple[str, int | None, str, int, str]


def identifier(flow: Flow) -> str | None:
    kinds = (pa.string(), pa.int64(), pa.string(), pa.int64(), pa.string())
    columns = [pa.array([value], kind) for value, kind in zip(flow, kinds, strict=True)]
    found: list[str | None] = community_ids(*columns).to_pylist()
    return found[0]


@pytest.mark.parametrize(
    ("flow", "wanted"),
    [
        # Of the specification's own baselines.
        (("128.232.110.120", 34855, "66.35.250.204", 80, "tcp"), "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
        (("66.35.250.204", 80, "128.232.110.120", 34855, "tcp"), "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
        (("192.168.1.52", 54585, "8.8.8.8", 53, "udp"), "1:d/FP5EW3wiY1vCndhwleRRKHowQ="),
        (("192.168.0.89", 8, "192.168.0.1", 0, "icmp"), "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="),
        (("192.168.0.1", 0, "192.168.0.89", 8, "icmp"), "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="),
    ],
)
def test_both_ways_of_a_flow_have_the_published_id(flow: Flow, wanted: str) -> None:
    assert identifier(flow) == wanted


@pytest.mark.parametrize(
    "flow",
    [
        ("192.0.2.1", None, "192.0.2.2", 80, "tcp"),
        ("192.0.2.1", 70000, "192.0.2.2", 80, "tcp"),
        ("192.0.2.1", -1, "192.0.2.2", 80, "tcp"),
        ("nobody", 1, "192.0.2.2", 80, "tcp"),
        ("192.0.2.1", 1, "192.0.2.2", 80, "eigrp"),
    ],
)
def test_a_flow_that_is_none_has_no_id(flow: Flow) -> None:
    assert identifier(flow) is None
