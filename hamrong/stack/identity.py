"""identity: tells the server of one home from that of another which took its port.

In:   a service's folder
Out:  a cluster id, made at random once and kept there
"""

from __future__ import annotations

import base64
import secrets
from pathlib import Path


def cluster_id(folder: Path) -> str:
    """22 characters, as Kafka writes 16 bytes; OpenSearch takes it as a cluster name."""
    path = folder / "cluster-id"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        # The first byte is 0, since Kafka's tools take an id that begins with "-" for an option.
        path.write_text(
            base64.urlsafe_b64encode(b"\0" + secrets.token_bytes(15)).decode().rstrip("="), encoding="ascii"
        )
    return path.read_text(encoding="ascii")
