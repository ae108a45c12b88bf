"""words: what people call the parts of an alert, in Vietnamese and in English.

In:   values of `soc.alert.*` and of ECS; the phrases in which `detectors.sigma.explain` speaks
Out:  (Vietnamese, English); a value that nobody translated is shown as it is
"""

from __future__ import annotations

from detectors.sigma.attack import TACTICS
from hamrong.errors import HamrongError

Words = tuple[str, str]


class SpokenError(HamrongError):
    """A sentence for an analyst, in both languages; as text it is English."""

    def __init__(self, vi: str, en: str) -> None:
        super().__init__(en)
        self.words: Words = (vi, en)


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
    "destination.ip": ("Địa chỉ đích", "Destination address"),
    "service.name": ("Hệ thống", "System"),
    "rule.id": ("Luật", "Rule"),
}
VERDICT: dict[str, Words] = {
    "true_positive": ("Đúng là tấn công", "True positive"),
    "false_positive": ("Báo nhầm", "False positive"),
    "benign_expected": ("Hoạt động được phép", "Benign, expected"),
    "duplicate": ("Trùng cảnh báo khác", "Duplicate"),
}
RULE_STATUS: dict[str, Words] = {
    "stable": ("Ổn định", "Stable"),
    "test": ("Đang kiểm chứng", "Test"),
    "experimental": ("Thử nghiệm", "Experimental"),
    "deprecated": ("Đã thay thế", "Deprecated"),
    "unsupported": ("Không hỗ trợ", "Unsupported"),
}
ACTION: dict[str, Words] = {
    "acknowledge": ("tiếp nhận", "acknowledged"),
    "close": ("đóng", "closed"),
    "reopen": ("mở lại", "reopened"),
    "assign": ("giao", "assigned"),
    "comment": ("bình luận", "commented"),
    "tag": ("gắn thẻ", "tagged"),
    "untag": ("bỏ thẻ", "untagged"),
    "link": ("gắn sự cố", "linked to an incident"),
}
CONDITION: dict[str, Words] = {
    "all of": ("tất cả", "all of"),
    "one of": ("ít nhất một", "one of"),
    "not": ("không phải", "not"),
    "and": ("và", "and"),
    "or": ("hoặc", "or"),
    "any value": ("giá trị bất kỳ", "any value"),
    "… and {} more": ("… và {} giá trị khác", "… and {} more"),
    "is null": ("không có giá trị", "is missing"),
    "equals": ("bằng", "equals"),
    "contains": ("chứa", "contains"),
    "startswith": ("bắt đầu bằng", "starts with"),
    "endswith": ("kết thúc bằng", "ends with"),
    "is like": ("có dạng", "is like"),
    "matches": ("khớp biểu thức", "matches"),
    "cased equals": ("bằng, đúng chữ hoa và thường,", "equals, in this case,"),
    "cased contains": ("chứa, đúng chữ hoa và thường,", "contains, in this case,"),
    "cased startswith": ("bắt đầu, đúng chữ hoa và thường, bằng", "starts, in this case, with"),
    "cased endswith": ("kết thúc, đúng chữ hoa và thường, bằng", "ends, in this case, with"),
    "cased wildcard": ("có dạng, đúng chữ hoa và thường,", "is, in this case, like"),
    "is in": ("thuộc", "is in"),
    "number": ("là số", "is the number"),
    "field equals": ("bằng trường", "equals the field"),
    "field contains": ("chứa trường", "contains the field"),
    "field startswith": ("bắt đầu bằng trường", "starts with the field"),
    "field endswith": ("kết thúc bằng trường", "ends with the field"),
    "minute": ("có phút là", "has the minute"),
    "hour": ("có giờ là", "has the hour"),
    "day": ("có ngày là", "has the day"),
    "week": ("có tuần là", "has the week"),
    "month": ("có tháng là", "has the month"),
    "year": ("có năm là", "has the year"),
    "gt": ("lớn hơn", "more than"),
    "gte": ("từ", "at least"),
    "lt": ("nhỏ hơn", "less than"),
    "lte": ("không quá", "at most"),
    "eq": ("đúng bằng", "exactly"),
    "neq": ("khác", "other than"),
    "event_count": ("số sự kiện", "number of events"),
    "value_count": ("số giá trị khác nhau", "number of different values"),
    "value_sum": ("tổng", "sum"),
    "value_avg": ("trung bình", "average"),
    "value_median": ("trung vị", "median"),
    "value_percentile": ("bách phân vị", "percentile"),
    "temporal": ("các luật cùng xảy ra", "rules that occur together"),
    "temporal_ordered": ("các luật xảy ra theo thứ tự", "rules that occur in this order"),
    "of": ("của", "of"),
    "by": ("theo", "by"),
    "within": ("trong", "within"),
    "s": (" giây", " s"),
    "m": (" phút", " min"),
    "h": (" giờ", " h"),
    "d": (" ngày", " d"),
    "matched {} of {} sample events": ("khớp {} trong {} sự kiện mẫu", "matched {} of {} sample events"),
}
"""The phrases of `detectors.sigma.explain`, with the names that Sigma gives to tests and correlations."""
TACTIC_VI = {
    "TA0043": "Trinh sát",
    "TA0042": "Chuẩn bị nguồn lực",
    "TA0001": "Xâm nhập ban đầu",
    "TA0002": "Thực thi",
    "TA0003": "Duy trì hiện diện",
    "TA0004": "Leo thang đặc quyền",
    "TA0005": "Ẩn mình",
    "TA0112": "Làm suy yếu phòng thủ",
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
