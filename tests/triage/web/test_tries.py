"""How often one may try to log in: per account and address, in bounded memory, with no way around it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from triage.web import tries
from triage.web.tries import OF_ACCOUNT, OF_ADDRESS, OF_BOTH, WINDOW_SECONDS, Tries


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def begun(kept: Tries, account: str, address: str, times: int) -> list[float]:
    return [kept.begin(account, address) for _ in range(times)]


def test_after_five_failures_one_waits_until_the_first_is_a_quarter_of_an_hour_old() -> None:
    clock = Clock()
    kept = Tries(clock)
    assert begun(kept, "lan", "203.0.113.1", OF_BOTH) == [0.0] * OF_BOTH
    clock.now += 60
    assert kept.begin("lan", "203.0.113.1") == WINDOW_SECONDS - 60
    clock.now += WINDOW_SECONDS - 60
    assert kept.begin("lan", "203.0.113.1") == 0.0


def test_to_try_while_one_waits_makes_the_wait_no_longer() -> None:
    clock = Clock()
    kept = Tries(clock)
    begun(kept, "lan", "203.0.113.1", OF_BOTH + 100)
    clock.now += WINDOW_SECONDS
    assert kept.begin("lan", "203.0.113.1") == 0.0


def test_another_account_and_another_address_do_not_wait() -> None:
    kept = Tries(Clock())
    begun(kept, "lan", "203.0.113.1", OF_BOTH)
    assert kept.begin("minh", "203.0.113.1") == 0.0
    assert kept.begin("lan", "203.0.113.2") == 0.0


def test_one_address_that_tries_many_accounts_waits() -> None:
    kept = Tries(Clock())
    assert [kept.begin(f"u{number}", "203.0.113.1") for number in range(OF_ADDRESS)] == [0.0] * OF_ADDRESS
    assert kept.begin("another", "203.0.113.1") > 0
    assert kept.begin("another", "203.0.113.2") == 0.0


def test_who_has_logged_in_from_an_address_is_not_kept_out_by_others_behind_it() -> None:
    kept = Tries(Clock())
    kept.begin("lan", "203.0.113.1")
    kept.succeeded("lan", "203.0.113.1")
    for number in range(OF_ADDRESS):
        kept.begin(f"u{number}", "203.0.113.1")
    assert kept.begin("minh", "203.0.113.1") > 0
    assert begun(kept, "lan", "203.0.113.1", OF_BOTH) == [0.0] * OF_BOTH
    assert kept.begin("lan", "203.0.113.1") > 0


def test_one_account_that_is_tried_from_everywhere_waits_but_not_where_it_has_logged_in() -> None:
    kept = Tries(Clock())
    kept.begin("lan", "192.0.2.7")
    kept.succeeded("lan", "192.0.2.7")
    for number in range(OF_ACCOUNT):
        assert kept.begin("lan", f"203.0.113.{number}") == 0.0
    assert kept.begin("lan", "198.51.100.1") > 0
    assert kept.begin("lan", "192.0.2.7") == 0.0


def test_a_right_password_is_forgiven_what_went_before() -> None:
    kept = Tries(Clock())
    for _ in range(10):
        begun(kept, "lan", "203.0.113.1", OF_BOTH - 1)
        assert kept.begin("lan", "203.0.113.1") == 0.0
        kept.succeeded("lan", "203.0.113.1")


def test_who_knows_one_password_gains_no_tries_for_others() -> None:
    kept = Tries(Clock())
    waited = 0
    for number in range(OF_ADDRESS + 1):
        waited += bool(kept.begin(f"u{number}", "203.0.113.1"))
        if not kept.begin("own", "203.0.113.1"):
            kept.succeeded("own", "203.0.113.1")
    assert waited == 1


def test_a_try_without_an_answer_does_not_count() -> None:
    kept = Tries(Clock())
    for _ in range(OF_BOTH * 3):
        assert kept.begin("lan", "203.0.113.1") == 0.0
        kept.undo("lan", "203.0.113.1")


def test_spellings_of_a_name_and_addresses_of_one_network_are_one() -> None:
    kept = Tries(Clock())
    for name, address in (
        ("lan", "2001:db8::1"),
        ("LAN", "2001:db8::2"),
        (" Lan", "2001:db8:0:0:9::"),
        ("ｌａｎ", "2001:db8::3"),
    ):
        assert kept.begin(name, address) == 0.0
    assert kept.begin("lan", "2001:db8::77") == 0.0
    assert kept.begin("lan", "2001:db8::78") > 0
    assert kept.begin("lan", "2001:db8:0:1::1") == 0.0
    begun(kept, "minh", "::ffff:192.0.2.1", OF_BOTH)
    assert kept.begin("minh", "192.0.2.1") > 0


def test_memory_is_bounded() -> None:
    kept = Tries(Clock())
    for number in range(tries.KEPT):
        kept.begin(f"u{number}", f"198.51.{number // 250}.{number % 250}")
        kept.succeeded(f"u{number}", f"198.51.{number // 250}.{number % 250}")
        kept.begin(f"v{number}", f"198.51.{number // 250}.{number % 250}")
    assert len(kept) <= tries.KEPT


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["192.0.2.1", "192.0.2.2"]), st.floats(0, 400))))
def test_no_window_ever_holds_more_failures_of_a_pair_than_allowed(steps: list[tuple[str, str, float]]) -> None:
    clock = Clock()
    kept = Tries(clock)
    let: list[tuple[str, str, float]] = []
    for account, address, passed in steps:
        clock.now += passed
        if not kept.begin(account, address):
            let.append((account, address, clock.now))
            same = [at for one, where, at in let if (one, where) == (account, address)]
            assert sum(at > clock.now - WINDOW_SECONDS for at in same) <= OF_BOTH
