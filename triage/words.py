"""words: what people call the parts of an alert, in Vietnamese and in English.

In:   values of `soc.alert.*` and of ECS
Out:  (Vietnamese, English); a value that nobody translated is shown as it is
"""

from __future__ import annotations

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
    "hamrong": ("Hàm Rồng tự báo", "Hàm Rồng itself"),
}
ENTITY: dict[str, Words] = {
    "source.ip": ("Địa chỉ nguồn", "Source address"),
    "user.name": ("Tài khoản", "Account"),
    "host.name": ("Máy chủ", "Host"),
    "service.name": ("Hệ thống", "System"),
    "rule.id": ("Luật", "Rule"),
}
VERDICT: dict[str, Words] = {
    "true_positive": ("Đúng là tấn công", "True positive"),
    "false_positive": ("Báo nhầm", "False positive"),
    "benign_expected": ("Hoạt động được phép", "Benign, expected"),
    "duplicate": ("Trùng cảnh báo khác", "Duplicate"),
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


def of(table: dict[str, Words], value: str) -> Words:
    return table.get(value, (value, value))
