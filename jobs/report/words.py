"""words: what the report calls things, in Vietnamese and in English.

In:   values of ECS and of `soc.alert.*`
Out:  (Vietnamese, English); a value that nobody translated is shown as it is
"""

from __future__ import annotations

from datetime import date

from detectors.alert import TACTICS

Words = tuple[str, str]

SEVERITY: dict[str, Words] = {
    "critical": ("Nghiêm trọng", "Critical"),
    "high": ("Cao", "High"),
    "medium": ("Trung bình", "Medium"),
    "low": ("Thấp", "Low"),
    "informational": ("Thông tin", "Informational"),
}
STATUS: dict[str, Words] = {
    "open": ("Mới", "Open"),
    "acknowledged": ("Đã tiếp nhận", "Acknowledged"),
    "closed": ("Đã đóng", "Closed"),
    "reopened": ("Mở lại", "Reopened"),
}
DETECTOR: dict[str, Words] = {
    "sigma": ("Luật Sigma", "Sigma rules"),
    "correlation": ("Luật tương quan", "Correlation rules"),
    "anomaly": ("Mô hình bất thường", "Anomaly model"),
}
ENTITY: dict[str, Words] = {
    "source.ip": ("Địa chỉ nguồn", "Source address"),
    "user.name": ("Tài khoản", "Account"),
    "host.name": ("Máy chủ", "Host"),
    "service.name": ("Hệ thống", "System"),
}
TAG: dict[str, Words] = {
    "encoding_escaped": ("Có byte không phải UTF-8, đã ghi dạng mã thoát", "Bytes that are not UTF-8, kept escaped"),
    "encoding_windows_1258": ("Đọc theo bảng mã windows-1258", "Read as windows-1258"),
    "encoding_tcvn3": ("Đọc theo bảng mã TCVN3 (ABC)", "Read as TCVN3 (ABC)"),
    "header_broken": ("Phần đầu RFC 5424 có lỗi, nội dung vẫn đọc được", "RFC 5424 header at fault, message read"),
    "stamp_in_future": ("Thời gian vượt trước trên một ngày, giữ như đã gửi", "Time over a day ahead, kept as sent"),
    "truncated": ("Dòng quá dài, đã cắt", "Line too long, cut"),
}
TACTIC_VI = {
    "TA0043": "Trinh sát",
    "TA0042": "Chuẩn bị nguồn lực",
    "TA0001": "Xâm nhập ban đầu",
    "TA0002": "Thực thi",
    "TA0003": "Duy trì hiện diện",
    "TA0004": "Leo thang đặc quyền",
    "TA0005": "Né tránh phòng thủ",
    "TA0006": "Đánh cắp thông tin đăng nhập",
    "TA0007": "Dò tìm nội bộ",
    "TA0008": "Di chuyển ngang",
    "TA0009": "Thu thập dữ liệu",
    "TA0011": "Chỉ huy và điều khiển",
    "TA0010": "Chuyển dữ liệu ra ngoài",
    "TA0040": "Gây tác động",
}
TACTIC: dict[str, Words] = {number: (TACTIC_VI[number], name) for number, name in TACTICS.values()}
"""In the order in which an intrusion usually goes."""

WEEKDAYS: tuple[Words, ...] = (
    ("Thứ Hai", "Monday"),
    ("Thứ Ba", "Tuesday"),
    ("Thứ Tư", "Wednesday"),
    ("Thứ Năm", "Thursday"),
    ("Thứ Sáu", "Friday"),
    ("Thứ Bảy", "Saturday"),
    ("Chủ Nhật", "Sunday"),
)


def of(table: dict[str, Words], value: str) -> Words:
    return table.get(value, (value, value))


def long_date(day: date) -> Words:
    """`Thứ Ba, 24/11/2026` and `Tuesday, 24 November 2026`."""
    vi, en = WEEKDAYS[day.weekday()]
    months = (
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    )  # fmt: skip
    return f"{vi}, {day:%d/%m/%Y}", f"{en}, {day.day} {months[day.month - 1]} {day.year}"
