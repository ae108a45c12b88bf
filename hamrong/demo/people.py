"""people: who appears in the scenes, and the values that their lines carry.

In:   a random generator; for attackers the demo's seed and the number of the attack
Out:  `Person`s, and a value for every `$name` of a scene

Addresses: citizens in 198.51.100.0/25 and 2001:db8:ca00::/40; officials, machines and administrators in
2001:db8:20::/48, 2001:db8:30::/48 and 2001:db8:40::/48; attackers in 203.0.113.0/24 and 198.51.100.128/25.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

# Communes and wards of Thanh Hóa, as their accounts are written.
COMMUNES = (
    "hacthanh", "quangphu", "dongquang", "dongson", "dongtien", "hamrong", "nguyetvien", "samson", "namsamson",
    "bimson", "quangtrung", "ngocson", "tandan", "hailinh", "tinhgia", "daoduytu", "haibinh", "truclam", "nghison",
    "hoanghoa", "hauloc", "ngason", "thoxuan", "yendinh", "vinhloc", "nongcong", "trieuson", "quanhoa", "muonglat",
    "bathuoc", "langchanh", "ngoclac", "camthuy", "thachthanh", "nhuthanh", "nhuxuan", "thuongxuan",
)  # fmt: skip
FAMILIES = ("nguyen", "tran", "le", "pham", "hoang", "trinh", "vu", "do", "bui", "luong", "mai", "ha")
GIVEN = ("an", "binh", "chi", "dung", "giang", "hoa", "khanh", "lan", "minh", "nga", "phuong", "quan", "son", "thao")

BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) CocCoc/134.0.0 Chrome/128.0.0.0 "
    "Safari/537.36",
)
TELEPHONES = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 "
    "Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 15; SM-A556E) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile "
    "Safari/537.36",
    "Mozilla/5.0 (Linux; Android 14; CPH2591; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
    "Chrome/141.0.0.0 Mobile Safari/537.36 Zalo android/25100",
)

# Actor -> beginning of the account's name, third group of its address, clients.
STAFF = {
    "official": ("cb", "20", BROWSERS),
    "machine": ("app", "30", ("Apache-HttpClient/4.5.14 (Java/17.0.16)",)),
    "administrator": ("qtv", "40", BROWSERS),
}

ATTACK_ADDRESSES = tuple(
    [f"203.0.113.{last}" for last in range(1, 255)] + [f"198.51.100.{last}" for last in range(128, 255)]
)
ATTACKS_A_SEED = 32
"""Room for so many attacks of one seed; shares no factor with the 381 addresses, so all of them get their turn."""


@dataclass(frozen=True)
class Person:
    ip: str
    user: str
    agent: str
    target: str
    """An account that this one acts on."""


def ordinary(actor: str, rng: Random) -> Person:
    """Someone of the many; the same account always sits at the same address."""
    if actor == "citizen":
        user = f"{rng.choice(FAMILIES)}.{rng.choice(GIVEN)}{rng.randrange(10_000):04}"
        address = f"2001:db8:ca{rng.randrange(256):02x}:{rng.randrange(65_536):x}::{rng.randrange(1, 65_536):x}"
        # Few, since of the old addresses only 127 are left for citizens.
        if rng.random() < 0.05:
            address = f"198.51.100.{rng.randrange(1, 128)}"
        return Person(address, user, rng.choice(TELEPHONES if rng.random() < 0.7 else BROWSERS), user)
    commune, number = rng.randrange(len(COMMUNES)), rng.randrange(1, 80)
    prefix, network, agents = STAFF[actor]
    user = f"{prefix}.{COMMUNES[commune]}.{number:02}"
    return Person(f"2001:db8:{network}:{commune + 1:x}::{number:x}", user, agents[number % len(agents)], user)


def attacking(actor: str, seed: int, number: int) -> Person:
    """Who makes the `number`-th attack of a seed: always the same, and another with the next seed."""
    rng = Random(f"attack {seed} {number}")  # noqa: S311
    turn = seed * ATTACKS_A_SEED + number
    user = f"{rng.choice(FAMILIES)}.{rng.choice(GIVEN)}{turn % 100_000:05}"
    target = f"{rng.choice(FAMILIES)}.{rng.choice(GIVEN)}{turn % 100_000:05}"
    if actor == "attacker":
        return Person(ATTACK_ADDRESSES[turn % len(ATTACK_ADDRESSES)], user, BROWSERS[0], target)
    return Person(f"2001:db8:20:ff::{turn % 65_535 + 1:x}", user, BROWSERS[1], target)


Value = str | int

PURPOSES = (
    "Xác nhận cư trú", "Cấp giấy khai sinh", "Đăng ký kết hôn", "Chứng thực bản sao", "Cấp giấy phép kinh doanh",
    "Trợ cấp xã hội", "Đăng ký đất đai",
)  # fmt: skip
FILES = ("don-de-nghi.pdf", "can-cuoc-mat-truoc.jpg", "so-do-thua-dat.pdf", "giay-khai-sinh.pdf", "hop-dong.pdf")
SETS = ("gia-dat", "truong-hoc", "co-so-y-te", "lang-nghe", "di-tich", "thoi-tiet", "giao-thong", "ngan-sach", "ocop")
SERVICES = (
    "/dan-cu/tra-cuu",
    "/dat-dai/thua-dat",
    "/ho-tich/khai-sinh",
    "/thanh-toan/bien-lai",
    "/doanh-nghiep/thong-tin",
)
PRODUCTS = ("nem-chua", "nuoc-mam-ba-lang", "chieu-coi-nga-son", "buoi-luan-van", "banh-gai-tu-tru", "cha-tom")
OFFICES = ("UBND", "VP", "SKHCN", "SCT", "SNNMT", "STC")
KINDS = ("CV", "QĐ", "TTr", "BC", "KH", "TB")

DETAILS: dict[str, Callable[[Random], Value]] = {
    "pid": lambda rng: rng.randrange(900, 60_000),
    "port": lambda rng: rng.randrange(32_768, 61_000),
    "key": lambda rng: "".join(rng.choices("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789", k=43)),
    "n": lambda rng: rng.randrange(1, 5_000),
    "number": lambda rng: rng.randrange(1, 10),
    "bytes": lambda rng: int(rng.lognormvariate(9, 1)),
    "case": lambda rng: f"H56.{rng.randrange(1, 60):02}-26{rng.randrange(101, 129):04}-{rng.randrange(1, 2_000):04}",
    "commune": lambda rng: rng.choice(COMMUNES),
    "agency": lambda rng: f"H56.{rng.randrange(1, 30)}.{rng.randrange(1, 20)}",
    "purpose": lambda rng: rng.choice(PURPOSES),
    "file": lambda rng: rng.choice(FILES),
    "dataset": lambda rng: f"{rng.choice(SETS)}-{rng.randrange(1, 22)}",
    "service": lambda rng: rng.choice(SERVICES),
    "product": lambda rng: f"{rng.choice(PRODUCTS)}-{rng.randrange(1, 90)}",
    "document": lambda rng: f"{rng.randrange(1, 4_000)}/{rng.choice(KINDS)}-{rng.choice(OFFICES)}",
    "payment": lambda rng: f"TT{rng.randrange(10**9):09}",
    "fee": lambda rng: rng.choice((5_000, 8_000, 20_000, 50_000, 150_000, 300_000)),
    "trace": lambda rng: f"893{rng.randrange(10**9):09}",
    "order": lambda rng: f"DH{rng.randrange(10**7):07}",
}


class Values(dict[str, Value]):
    """The placeholders of one line: what is given, and each other one drawn when it is first asked for."""

    def __init__(self, rng: Random, **given: Value) -> None:
        super().__init__(given)
        self.rng = rng

    def __missing__(self, name: str) -> Value:
        self[name] = DETAILS[name](self.rng)
        return self[name]
