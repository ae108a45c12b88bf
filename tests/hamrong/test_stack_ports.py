from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from hamrong.stack.ports import LOOPBACK, any_port, choose_port, is_free, is_served


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server((LOOPBACK, 0)) as server:
        yield server.getsockname()[1]


def test_a_port_with_a_listener_is_taken_and_served(taken: int) -> None:
    assert not is_free(taken)
    assert is_served(taken)


def test_a_port_without_one_is_free_and_not_served() -> None:
    port = any_port()
    assert is_free(port)
    assert not is_served(port)


def test_a_listener_on_every_address_takes_the_port_too() -> None:
    with socket.create_server(("", 0)) as server:
        assert not is_free(server.getsockname()[1])


def test_a_port_whose_connections_linger_is_free() -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection((LOOPBACK, port)):
            accepted, _ = server.accept()
            accepted.close()  # the server's side closes first, so its port goes to TIME_WAIT
    assert is_free(port)


@pytest.mark.parametrize("port", [-1, 65536, 1 << 40])
def test_what_is_no_port_is_not_free(port: int) -> None:
    assert not is_free(port)


def test_the_first_free_wish_is_taken_and_kept(tmp_path: Path, taken: int) -> None:
    memory = tmp_path / "deep" / "port"
    wish, other = any_port(), any_port()
    assert choose_port(memory, [taken, wish]) == wish
    assert choose_port(memory, [other]) == wish


def test_the_kept_port_yields_when_somebody_has_it(tmp_path: Path, taken: int) -> None:
    memory = tmp_path / "port"
    memory.write_text(str(taken))
    wish = any_port()
    assert choose_port(memory, [wish]) == wish
    assert memory.read_text() == str(wish)


def test_no_free_port_is_none_and_forgets_nothing(tmp_path: Path, taken: int) -> None:
    memory = tmp_path / "port"
    memory.write_text(str(taken))
    assert choose_port(memory, [taken]) is None
    assert memory.read_text() == str(taken)
