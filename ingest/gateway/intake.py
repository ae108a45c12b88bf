"""intake: where the listeners hand over what they read.

In:   frames with their listener and peer
Out:  entries in the spool, written before anything else happens; reading paused while the spool is full

Promise: what a stream listener hands over is kept, whatever the disk says: in memory if it must, with all reading
paused. Datagrams have no one to hold back: those that find the spool full are dropped and counted.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence

from ingest.gateway.counters import Counters
from ingest.gateway.framing import BAD_FRAME, CUT, Frame
from ingest.gateway.spool import Spool

log = logging.getLogger("hamrong.gateway")


class Intake:
    """Used on the event loop alone."""

    def __init__(self, spool: Spool, counters: Counters) -> None:
        self._spool, self._counters = spool, counters
        self._streams: set[asyncio.ReadTransport] = set()
        self._kept: list[tuple[bytes, Sequence[Frame], int]] = []
        """What the disk would not take yet."""
        self.paused = False

    def join(self, transport: asyncio.ReadTransport) -> None:
        self._streams.add(transport)
        if self.paused:
            transport.pause_reading()

    def leave(self, transport: asyncio.ReadTransport) -> None:
        self._streams.discard(transport)

    def stream_frames(self, listener: str, peer: bytes, frames: list[Frame]) -> None:
        if not frames:
            return
        self._count(listener, frames)
        self._store(peer, frames)
        if self._spool.full or self._kept:
            self._pause()

    def datagrams(self, listener: str, by_peer: dict[bytes, list[Frame]]) -> None:
        for peer, frames in by_peer.items():
            if self._spool.full or self._kept:
                self._counters.dropped_udp += len(frames)
                continue
            self._count(listener, frames)
            self._store(peer, frames)

    def retry(self) -> None:
        """Stores what was kept in memory, and reads on when there is room; call it every now and then."""
        kept, self._kept = self._kept, []
        for peer, frames, received in kept:
            self._store(peer, frames, received)
        if self.paused and not self._kept and self._spool.roomy:
            self.paused = False
            log.info("the spool has room again: reading goes on")
            for transport in self._streams:
                transport.resume_reading()

    def _count(self, listener: str, frames: Sequence[Frame]) -> None:
        counters = self._counters.listeners[listener]
        counters.received += len(frames)
        for _, flags in frames:
            if flags:
                counters.cut += bool(flags & CUT)
                counters.bad_frame += bool(flags & BAD_FRAME)

    def _store(self, peer: bytes, frames: Sequence[Frame], received: int | None = None) -> None:
        now = time.time_ns() // 1_000_000 if received is None else received
        if self._kept:
            self._kept.append((peer, frames, now))
            return
        try:
            self._spool.append(peer, frames, now)
        except OSError as error:
            if received is None:
                log.warning("the spool in %s takes no more (%s): make room there", self._spool.folder, error.strerror)
            self._kept.append((peer, frames, now))
            return
        self._counters.spooled += len(frames)

    def _pause(self) -> None:
        if self.paused:
            return
        self.paused = True
        log.warning("the spool is full (%.1f MB): reading pauses until Kafka takes lines", self._spool.size / 1e6)
        for transport in self._streams:
            transport.pause_reading()
