"""urls: a request's target, split.

In:   a column of targets as a request line or a proxy writes them: `/a.php?b=c`, `http://host:80/a`, `host:443`
Out:  ECS `url.*`
Docs: RFC 3986 appendix B; RFC 9112 §3.2
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest.claims import captured
from ingest.event import Columns

_HOST = r"(?P<url__domain>\[[0-9A-Fa-f:.]+\]|[^/?#:@]*)(?::(?P<url__port>[0-9]*))?"
_TARGET = (
    rf"(?s)^(?:(?P<url__scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?:(?P<url__username>[^/?#@:]*)[^/?#@]*@)?{_HOST})?"
    r"(?P<url__path>[^?#]*)(?:\?(?P<url__query>[^#]*))?(?:#(?P<url__fragment>.*))?$"
)
_AUTHORITY = rf"(?s)^{_HOST}$"
_EXTENSION = r"(?s)^.*/[^/]*\.(?P<url__extension>[A-Za-z0-9]{1,10})$"


def split(targets: pa.Array) -> Columns:
    """`url.path`, `.query`, `.fragment`, `.extension`; of an absolute target also scheme, user, host and port."""
    columns = captured(pc.extract_regex(targets, _TARGET))
    return columns | {"url.extension": extension(columns["url.path"])}


def extension(paths: pa.Array) -> pa.Array:
    """`php` of `/a/b.php`."""
    return captured(pc.extract_regex(paths, _EXTENSION))["url.extension"]


def authority(names: pa.Array) -> Columns:
    """`url.domain` and `url.port` of a `Host` header or a CONNECT target."""
    return captured(pc.extract_regex(names, _AUTHORITY))
