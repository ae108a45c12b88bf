"""life: what an analyst may do with an alert, and what it makes of the alert.

In:   the alert's `soc.alert`, a `Change`, who makes it and when
Out:  new values of `soc.alert`; fields that are not named stay
Docs: DESIGN, States: open -> acknowledged -> closed (verdict) -> reopened

`history` only grows: each change appends one entry (`who`, `when`, `action`, `from`, `to`, `note`), so that its length
is the revision of all that analysts wrote. The pipeline writes none of these fields.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from detectors.alert import iso
from triage.words import ACTION, STATUS, VERDICT, SpokenError, Words

STATES = ("open", "acknowledged", "closed", "reopened")
VERDICTS = ("true_positive", "false_positive", "benign_expected", "duplicate")
MAX_TEXT = 4_000
MAX_NAME = 128
MAX_HISTORY = 1_000
MAX_TAGS = 20

FROM: dict[str, tuple[str, ...]] = {
    "acknowledge": ("open", "reopened"),
    "close": ("open", "acknowledged", "reopened"),
    "reopen": ("closed",),
    "assign": ("open", "acknowledged", "reopened"),
    "comment": STATES,
    "tag": STATES,
    "untag": STATES,
    "link": STATES,
}
"""The states in which each action is possible."""


class RefusedChangeError(SpokenError):
    """The alert's state does not allow it, or a value is missing or too long."""


@dataclass(frozen=True)
class Change:
    action: str
    """A key of `FROM`."""
    value: str = ""
    """The verdict of `close`, the account of `assign` ("" = nobody), a tag, or an incident's number ("" = none)."""
    note: str = ""
    """Why; the text of `comment`."""


def revision(alert: Mapping[str, Any]) -> int:
    """How often analysts have changed it; what an analyst saw when a page was made."""
    return len(alert.get("history") or ())


def state(alert: Mapping[str, Any]) -> str:
    return str(alert.get("status") or "open")


def possible(alert: Mapping[str, Any]) -> tuple[str, ...]:
    """The actions that the alert's state allows."""
    return tuple(action for action, states in FROM.items() if state(alert) in states)


def change(alert: Mapping[str, Any], wanted: Change, who: str, now: datetime) -> dict[str, Any]:
    """The new values. Raises RefusedChangeError."""
    value, note = (
        _clean(wanted.value, MAX_NAME, ("giá trị", "value")),
        _clean(wanted.note, MAX_TEXT, ("nội dung", "text")),
    )
    status = state(alert)
    if wanted.action not in FROM:
        raise RefusedChangeError(
            f"không có thao tác '{wanted.action}'; chỉ có {', '.join(FROM)}",
            f"there is no action '{wanted.action}'; there are {', '.join(FROM)}",
        )
    if status not in FROM[wanted.action]:
        raise RefusedChangeError(
            f"cảnh báo đang ở trạng thái '{STATUS[status][0]}' nên không {ACTION[wanted.action][0]} được",
            f"an alert that is {status} cannot take '{wanted.action}'",
        )
    if revision(alert) >= MAX_HISTORY:
        raise RefusedChangeError(
            f"lịch sử đã có {MAX_HISTORY} thay đổi; hãy mở sự cố để ghi tiếp",
            f"the history holds {MAX_HISTORY} changes already; open an incident for the rest",
        )
    when = iso(now)
    new, before, after = _ACTIONS[wanted.action](alert, value, note, who, when)
    entry = {"who": who, "when": when, "action": wanted.action, "from": before, "to": after, "note": note}
    written = {name: text for name, text in entry.items() if text}
    return {**new, "history": [*(alert.get("history") or ()), written]}


_Made = tuple[dict[str, Any], str, str]
"""New values, and what the history says it was and is."""


def _acknowledge(alert: Mapping[str, Any], value: str, note: str, who: str, when: str) -> _Made:
    new: dict[str, Any] = {"status": "acknowledged", "acknowledged_at": when, "acknowledged_by": who}
    # The first acknowledgement is what the time to acknowledge is measured by.
    if alert.get("acknowledged_at"):
        new = {"status": "acknowledged"}
    else:
        new |= _minutes(alert, "minutes_to_acknowledge", when)
    return {**new, "assignee": alert.get("assignee") or who}, state(alert), "acknowledged"


def _close(alert: Mapping[str, Any], value: str, note: str, who: str, when: str) -> _Made:
    if value not in VERDICTS:
        raise RefusedChangeError(
            f"đóng cảnh báo cần một kết luận: {', '.join(VERDICT[verdict][0] for verdict in VERDICTS)}",
            f"a closed alert needs a verdict: one of {', '.join(VERDICTS)}",
        )
    new: dict[str, Any] = {"status": "closed", "verdict": value, "closed_at": when, "closed_by": who}
    if not alert.get("acknowledged_at"):
        new |= {"acknowledged_at": when, "acknowledged_by": who, **_minutes(alert, "minutes_to_acknowledge", when)}
    # A duplicate says nothing of its rule.
    new |= {"false_positive": None if value == "duplicate" else int(value == "false_positive")}
    new |= _minutes(alert, "minutes_to_close", when)
    return {**new, "assignee": alert.get("assignee") or who}, state(alert), f"closed: {value}"


def _reopen(alert: Mapping[str, Any], value: str, note: str, who: str, when: str) -> _Made:
    gone = ("verdict", "closed_at", "closed_by", "minutes_to_close", "false_positive")
    new = {"status": "reopened", **dict.fromkeys(gone)}
    return new, f"closed: {alert.get('verdict')}", "reopened"


def _minutes(alert: Mapping[str, Any], name: str, when: str) -> dict[str, float]:
    """How long since it was raised, as a number: a chart cannot subtract two dates."""
    if not alert.get("raised_at"):
        return {}
    raised, now = (datetime.fromisoformat(moment) for moment in (str(alert["raised_at"]), when))
    return {name: round(max((now - raised).total_seconds(), 0.0) / 60, 2)}


def _assign(alert: Mapping[str, Any], value: str, note: str, who: str, when: str) -> _Made:
    return {"assignee": value or None}, str(alert.get("assignee") or ""), value


def _comment(alert: Mapping[str, Any], value: str, note: str, who: str, when: str) -> _Made:
    if not note:
        raise RefusedChangeError("bình luận chưa có nội dung", "a comment needs a text")
    return {"comments": [*(alert.get("comments") or ()), {"who": who, "when": when, "text": note}]}, "", ""


def _tag(alert: Mapping[str, Any], value: str, note: str, who: str, when: str) -> _Made:
    tags = list(alert.get("tags") or ())
    if not value:
        raise RefusedChangeError("thẻ chưa có tên", "a tag needs a name")
    if value not in tags and len(tags) >= MAX_TAGS:
        raise RefusedChangeError(
            f"cảnh báo đã có {MAX_TAGS} thẻ; hãy bỏ bớt một thẻ",
            f"the alert has {MAX_TAGS} tags already; take one away first",
        )
    return {"tags": list(dict.fromkeys([*tags, value]))}, "", value


def _untag(alert: Mapping[str, Any], value: str, note: str, who: str, when: str) -> _Made:
    return {"tags": [tag for tag in alert.get("tags") or () if tag != value]}, value, ""


def _link(alert: Mapping[str, Any], value: str, note: str, who: str, when: str) -> _Made:
    return {"incident": value or None}, str(alert.get("incident") or ""), value


_ACTIONS = {
    "acknowledge": _acknowledge,
    "close": _close,
    "reopen": _reopen,
    "assign": _assign,
    "comment": _comment,
    "tag": _tag,
    "untag": _untag,
    "link": _link,
}


def _clean(text: str, most: int, what: Words) -> str:
    """In NFC and without what a terminal or a page might obey; line breaks stay."""
    clean = unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()
    clean = "".join(letter for letter in clean if letter == "\n" or unicodedata.category(letter) not in ("Cc", "Cs"))
    if len(clean) > most:
        raise RefusedChangeError(
            f"{what[0]} dài {len(clean)} ký tự; viết nhiều nhất {most}",
            f"the {what[1]} has {len(clean)} characters; write at most {most}",
        )
    return clean
