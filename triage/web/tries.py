"""tries: how often somebody may try to log in.

In:   the account and the address of each try
Out:  how long they must wait before the next one
Docs: OWASP authentication cheat sheet, "Login throttling"; NIST SP 800-63B, 5.2.2

In memory and of bounded size; a start of the process forgets all. A try that had to wait is not asked of OpenSearch,
so that the right password is no answer either.
"""

from __future__ import annotations

import ipaddress
import threading
import time
import unicodedata
from collections import OrderedDict
from collections.abc import Callable

WINDOW_SECONDS = 900.0
OF_BOTH, OF_ADDRESS, OF_ACCOUNT = 5, 20, 50
"""Tries in a window: of an account from one address, of all accounts from one address, of an account from anywhere."""
KEPT = 10_000
"""Accounts, addresses and pairs; the one that was tried longest ago is forgotten first."""

_Key = tuple[str, str]


class Tries:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._tries: OrderedDict[_Key, list[float]] = OrderedDict()
        self._known: OrderedDict[_Key, None] = OrderedDict()
        """Where an account has logged in before: nobody keeps it out from there by trying it from elsewhere, or by
        trying others from behind the same address."""

    def begin(self, account: str, address: str) -> float:
        """Seconds to wait; 0 counts the try as one that failed, until `succeeded` says otherwise.

        Counted before the answer is known, so that tries at the same moment are no way around it.
        """
        now = self._clock()
        with self._lock:
            limits = self._limits(account, address)
            waits = [self._wait(key, limit, now) for key, limit in limits.items()]
            if any(waits):
                return max(waits)
            for key in limits:
                self._tries.setdefault(key, []).append(now)
                self._tries.move_to_end(key)
            _bound(self._tries)
        return 0.0

    def undo(self, account: str, address: str) -> None:
        """The last try got no answer."""
        with self._lock:
            for key in self._limits(account, address):
                del self._tries.get(key, [])[-1:]

    def succeeded(self, account: str, address: str) -> None:
        """Takes the last try back, and all of this account from this address."""
        self.undo(account, address)
        pair = _pair(account, address)
        with self._lock:
            self._tries.pop(pair, None)
            self._known[pair] = None
            self._known.move_to_end(pair)
            _bound(self._known)

    def _limits(self, account: str, address: str) -> dict[_Key, int]:
        pair = _pair(account, address)
        of_all = {} if pair in self._known else {("", pair[1]): OF_ADDRESS, (pair[0], ""): OF_ACCOUNT}
        return {pair: OF_BOTH, **of_all}

    def _wait(self, key: _Key, limit: int, now: float) -> float:
        stamps = [stamp for stamp in self._tries.get(key, ()) if stamp > now - WINDOW_SECONDS]
        if key in self._tries:
            self._tries[key] = stamps
        return stamps[-limit] + WINDOW_SECONDS - now if len(stamps) >= limit else 0.0

    def __len__(self) -> int:
        return len(self._tries)


def _pair(account: str, address: str) -> _Key:
    """Spellings that a directory may take for one account are one; so are the addresses of one IPv6 network."""
    name = unicodedata.normalize("NFKC", account).casefold().strip()
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return f"account {name}", f"address {address}"
    if isinstance(parsed, ipaddress.IPv6Address):
        mapped = parsed.ipv4_mapped
        address = str(mapped or ipaddress.IPv6Network((parsed, 64), strict=False))
    return f"account {name}", f"address {address}"


def _bound(kept: OrderedDict[_Key, list[float]] | OrderedDict[_Key, None]) -> None:
    while len(kept) > KEPT:
        kept.popitem(last=False)
