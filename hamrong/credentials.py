"""credentials: a name and a password on their way to a service.

In:   both, as a person wrote them
Out:  the header
Docs: RFC 7617. In UTF-8, as OpenSearch reads it; the clients' own helpers know Latin-1 only, and fail on "mật khẩu"
"""

from __future__ import annotations

import base64

from hamrong.config import Secret


def basic(name: str, password: Secret) -> dict[str, str]:
    """Without a name nothing. A name with a colon cannot be said: what follows the colon counts as password."""
    if not name:
        return {}
    encoded = base64.b64encode(f"{name}:{password.reveal()}".encode()).decode()
    return {"authorization": f"Basic {encoded}"}
