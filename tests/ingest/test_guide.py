"""The example of docs/guide/add-a-parser.md is a parser that works."""

import re
from pathlib import Path
from typing import Any

import pyarrow as pa

from ingest.lines import Context

GUIDE = Path(__file__).parents[2] / "docs/guide/add-a-parser.md"


def test_the_guides_example_parses_its_format() -> None:
    code = re.search(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert code
    module: dict[str, Any] = {}
    exec(code[1], module)
    nothing = pa.nulls(2, pa.string())
    messages = pa.array(["DHCPACK on 192.0.2.7 to 00:11:22:33:44:55 (pc7) via eth0", "exiting."])
    rows, columns = module["PARSER"].parse(messages, Context(*[nothing] * 7))
    assert rows.tolist() == [0]
    assert columns["client.address"].to_pylist() == ["192.0.2.7"]
    assert columns["source.domain"].to_pylist() == ["pc7"]
