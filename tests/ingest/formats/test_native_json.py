from ingest.formats.json_lines import Document
from ingest.formats.native_json import renamed


def test_keys_are_renamed_and_the_rest_is_prefixed() -> None:
    assert renamed({"src_ip": "192.0.2.1", "x.y": 1}, {"src_ip": "source.address"}, "maker") == {
        "source.address": "192.0.2.1",
        "maker.x.y": 1,
    }


def test_what_says_nothing_is_left_out_and_zero_and_false_are_kept() -> None:
    document: Document = {"a": "", "b": "-", "c": [], "d": None, "e": 0, "f": False}
    assert renamed(document, {}, "maker") == {"maker.e": 0, "maker.f": False}


def test_of_two_keys_for_one_name_the_first_that_says_something_counts() -> None:
    names = {"client_ip": "source.address", "remote": "source.address"}
    assert renamed({"client_ip": "-", "remote": "192.0.2.1", "also": 1}, names, "m")["source.address"] == "192.0.2.1"
    assert renamed({"remote": "192.0.2.1", "client_ip": "192.0.2.2"}, names, "m") == {"source.address": "192.0.2.1"}
