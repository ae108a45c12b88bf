"""words: what the report calls things, in Vietnamese and in English.

In:   values of ECS; those of an alert are named by `triage.words`
Out:  (Vietnamese, English); a value that nobody translated is shown as it is
"""

from __future__ import annotations

from datetime import date

from triage.words import DETECTOR, ENTITY, SEVERITY, STATUS, TACTIC, Words, of

__all__ = ["DETECTOR", "ENTITY", "SEVERITY", "STATUS", "TACTIC", "Words", "long_date", "of"]

TAG: dict[str, Words] = {
    "encoding_escaped": ("Có byte không phải UTF-8, đã ghi dạng mã thoát", "Bytes that are not UTF-8, kept escaped"),
    "encoding_windows_1258": ("Đọc theo bảng mã windows-1258", "Read as windows-1258"),
    "encoding_tcvn3": ("Đọc theo bảng mã TCVN3 (ABC)", "Read as TCVN3 (ABC)"),
    "header_broken": ("Phần đầu RFC 5424 có lỗi, nội dung vẫn đọc được", "RFC 5424 header at fault, message read"),
    "stamp_in_future": ("Thời gian vượt trước trên một ngày, giữ như đã gửi", "Time over a day ahead, kept as sent"),
    "truncated": ("Dòng quá dài, đã cắt", "Line too long, cut"),
}
WEEKDAYS: tuple[Words, ...] = (
    ("Thứ Hai", "Monday"),
    ("Thứ Ba", "Tuesday"),
    ("Thứ Tư", "Wednesday"),
    ("Thứ Năm", "Thursday"),
    ("Thứ Sáu", "Friday"),
    ("Thứ Bảy", "Saturday"),
    ("Chủ Nhật", "Sunday"),
)


def long_date(day: date) -> Words:
    """`Thứ Ba, 24/11/2026` and `Tuesday, 24 November 2026`."""
    vi, en = WEEKDAYS[day.weekday()]
    months = (
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    )  # fmt: skip
    return f"{vi}, {day:%d/%m/%Y}", f"{en}, {day.day} {months[day.month - 1]} {day.year}"
