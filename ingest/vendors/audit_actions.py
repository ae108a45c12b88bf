"""audit_actions: what a record of the Linux audit system, or the system call it tells of, means in ECS.

In:   a record type (`USER_LOGIN`) or the name of a system call (`openat`)
Out:  `event.action`, `event.category`, `event.type`, with the words that Beats uses
Docs: linux/include/uapi/linux/audit.h; auditd.conf(5); ECS event.category; Beats, auditd module

Numbers of system calls are those of x86_64 and aarch64, which lines without names need.
"""

from __future__ import annotations

Meaning = tuple[str, tuple[str, ...], tuple[str, ...]]

AUTH, SESSION, IAM, CONFIG = ("authentication",), ("session",), ("iam",), ("configuration",)
PROCESS, HOST, FILE, NETWORK, DRIVER = ("process",), ("host",), ("file",), ("network",), ("driver",)
ALERT = ("intrusion_detection",)
START, END, CHANGE, INFO, ACCESS = ("start",), ("end",), ("change",), ("info",), ("access",)
CREATION, DELETION, DENIED = ("creation",), ("deletion",), ("denied",)

RECORDS: dict[str, Meaning] = {
    "ACCT_LOCK": ("locked-account", IAM, ("user", "change")),
    "ACCT_UNLOCK": ("unlocked-account", IAM, ("user", "change")),
    "ADD_GROUP": ("added-group-account-to", IAM, ("group", "creation")),
    "ADD_USER": ("added-user-account", IAM, ("user", "creation")),
    "ANOM_ABEND": ("crashed-program", PROCESS, END),
    "ANOM_EXEC": ("attempted-execution-of-forbidden-program", PROCESS, START),
    "ANOM_LINK": ("used-suspicious-link", ALERT, INFO),
    "ANOM_LOGIN_FAILURES": ("failed-log-in-too-many-times-to", ALERT, INFO),
    "ANOM_LOGIN_LOCATION": ("attempted-log-in-from-unusual-place-to", ALERT, INFO),
    "ANOM_LOGIN_SESSIONS": ("opened-too-many-sessions-to", ALERT, INFO),
    "ANOM_LOGIN_TIME": ("attempted-log-in-during-unusual-hour-to", ALERT, INFO),
    "ANOM_PROMISCUOUS": ("changed-promiscuous-mode-on-device", NETWORK, INFO),
    "ANOM_RBAC_INTEGRITY_FAIL": ("tested-file-system-integrity-of", ALERT, INFO),
    "AVC": ("violated-selinux-policy", ALERT, INFO),
    "BPF": ("changed-bpf-program", DRIVER, CHANGE),
    "CHGRP_ID": ("changed-group", PROCESS, CHANGE),
    "CHUSER_ID": ("changed-user-id", PROCESS, CHANGE),
    "CONFIG_CHANGE": ("changed-audit-configuration", ("process", "configuration"), CHANGE),
    "CRED_ACQ": ("acquired-credentials", AUTH, INFO),
    "CRED_DISP": ("disposed-credentials", AUTH, INFO),
    "CRED_REFR": ("refreshed-credentials", AUTH, INFO),
    "CRYPTO_KEY_USER": ("negotiated-crypto-key", PROCESS, INFO),
    "CRYPTO_LOGIN": ("crypto-officer-logged-in", AUTH, START),
    "CRYPTO_LOGOUT": ("crypto-officer-logged-out", PROCESS, INFO),
    "CRYPTO_SESSION": ("started-crypto-session", PROCESS, INFO),
    "DAEMON_ABORT": ("aborted-auditd-startup", PROCESS, END),
    "DAEMON_ACCEPT": ("remote-audit-connected", NETWORK, ("connection", "start")),
    "DAEMON_CLOSE": ("remote-audit-disconnected", NETWORK, ("connection", "end")),
    "DAEMON_CONFIG": ("changed-auditd-configuration", ("process", "configuration"), CHANGE),
    "DAEMON_END": ("shutdown-audit", PROCESS, END),
    "DAEMON_ERR": ("audit-error", PROCESS, INFO),
    "DAEMON_RESUME": ("resumed-audit-logging", PROCESS, CHANGE),
    "DAEMON_ROTATE": ("rotated-audit-logs", PROCESS, CHANGE),
    "DAEMON_START": ("started-audit", PROCESS, START),
    "DEL_GROUP": ("deleted-group-account-from", IAM, ("group", "deletion")),
    "DEL_USER": ("deleted-user-account", IAM, ("user", "deletion")),
    "EXECVE": ("execve", PROCESS, START),
    "FEATURE_CHANGE": ("changed-audit-feature", CONFIG, CHANGE),
    "GRP_AUTH": ("authenticated-to-group", AUTH, INFO),
    "GRP_CHAUTHTOK": ("changed-group-password", IAM, ("group", "change")),
    "GRP_MGMT": ("modified-group-account", IAM, ("group", "change")),
    "KERNEL": ("initialized-audit-subsystem", PROCESS, INFO),
    "KERN_MODULE": ("loaded-kernel-module", DRIVER, START),
    "LOGIN": ("changed-login-id-to", AUTH, START),
    "MAC_CONFIG_CHANGE": ("changed-selinux-boolean", CONFIG, CHANGE),
    "MAC_POLICY_LOAD": ("loaded-selinux-policy", CONFIG, ACCESS),
    "MAC_STATUS": ("changed-selinux-enforcement", CONFIG, CHANGE),
    "NETFILTER_CFG": ("loaded-firewall-rule-to", CONFIG, CHANGE),
    "NETFILTER_PKT": ("filtered-packet", NETWORK, ("connection",)),
    "PATH": ("path", FILE, INFO),
    "PROCTITLE": ("proctitle", PROCESS, INFO),
    "ROLE_ASSIGN": ("assigned-user-role-to", IAM, ("user", "change")),
    "ROLE_MODIFY": ("modified-role", IAM, CHANGE),
    "ROLE_REMOVE": ("removed-user-role-from", IAM, ("user", "change")),
    "SECCOMP": ("violated-seccomp-policy", ALERT, INFO),
    "SELINUX_ERR": ("caused-mac-policy-error", ALERT, INFO),
    "SERVICE_START": ("started-service", PROCESS, START),
    "SERVICE_STOP": ("stopped-service", PROCESS, END),
    "SOCKADDR": ("sockaddr", NETWORK, INFO),
    "SOFTWARE_UPDATE": ("package-updated", ("package",), INFO),
    "SYSCALL": ("syscall", PROCESS, INFO),
    "SYSTEM_BOOT": ("booted-system", HOST, START),
    "SYSTEM_RUNLEVEL": ("changed-to-runlevel", HOST, CHANGE),
    "SYSTEM_SHUTDOWN": ("shutdown-system", HOST, END),
    "TTY": ("typed", PROCESS, INFO),
    "USER_ACCT": ("was-authorized", AUTH, INFO),
    "USER_AUTH": ("authenticated", AUTH, INFO),
    "USER_AVC": ("access-permission", ALERT, INFO),
    "USER_CHAUTHTOK": ("changed-password", IAM, ("user", "change")),
    "USER_CMD": ("ran-command", PROCESS, START),
    "USER_END": ("ended-session", SESSION, END),
    "USER_ERR": ("error", AUTH, INFO),
    "USER_LOGIN": ("logged-in", AUTH, START),
    "USER_LOGOUT": ("logged-out", AUTH, END),
    "USER_MAC_CONFIG_CHANGE": ("changed-mac-configuration", CONFIG, CHANGE),
    "USER_MAC_POLICY_LOAD": ("loaded-mac-policy", CONFIG, ACCESS),
    "USER_MGMT": ("modified-user-account", IAM, ("user", "change")),
    "USER_ROLE_CHANGE": ("changed-role-to", IAM, ("user", "change")),
    "USER_SELINUX_ERR": ("access-error", ALERT, INFO),
    "USER_START": ("started-session", SESSION, START),
    "USER_TTY": ("typed", PROCESS, INFO),
    "USYS_CONFIG": ("changed-configuration", CONFIG, CHANGE),
    "VIRT_CONTROL": ("issued-vm-control", HOST, INFO),
    "VIRT_MACHINE_ID": ("assigned-vm-id", HOST, CREATION),
    "VIRT_RESOURCE": ("assigned-vm-resource", HOST, INFO),
}

_OPENED = ("opened-file", FILE, INFO)
_CREATED = ("opened-file", FILE, CREATION)
_WROTE = ("opened-file", FILE, CHANGE)
_OWNER = ("changed-file-ownership-of", FILE, CHANGE)
_MODE = ("changed-file-permissions-of", FILE, CHANGE)
_ATTRIBUTES = ("changed-file-attributes-of", FILE, CHANGE)
_TIMES = ("changed-timestamp-of", FILE, INFO)
_LOOKED = ("checked-metadata-of", FILE, INFO)
_DELETED = ("deleted", FILE, DELETION)
_RENAMED = ("renamed", FILE, CHANGE)
_SENT = ("sent-to", NETWORK, ("connection", "info"))
_RECEIVED = ("received-from", NETWORK, ("connection", "info"))
_ACCEPTED = ("accepted-connection-from", NETWORK, ("connection", "start"))
_IDENTITY = ("changed-identity-of", PROCESS, CHANGE)
_CLOCK = ("changed-system-time", HOST, CHANGE)
_KILLED = ("killed-pid", PROCESS, END)
_EXECUTED = ("executed", PROCESS, START)

SYSCALLS: dict[str, Meaning] = {
    **dict.fromkeys(("accept", "accept4"), _ACCEPTED),
    **dict.fromkeys(("adjtimex", "clock_adjtime", "clock_settime", "settimeofday", "stime"), _CLOCK),
    **dict.fromkeys(("chmod", "fchmod", "fchmodat"), _MODE),
    **dict.fromkeys(("chown", "fchown", "fchownat", "lchown"), _OWNER),
    **dict.fromkeys(("execve", "execveat"), _EXECUTED),
    **dict.fromkeys(("fallocate", "ftruncate", "truncate"), _WROTE),
    **dict.fromkeys(("fremovexattr", "lremovexattr", "removexattr", "fsetxattr", "lsetxattr", "setxattr"), _ATTRIBUTES),
    **dict.fromkeys(("access", "faccessat", "fstat", "lstat", "newfstatat", "stat", "getxattr"), _LOOKED),
    **dict.fromkeys(("futimesat", "utime", "utimensat", "utimes"), _TIMES),
    **dict.fromkeys(("finit_module", "init_module"), ("loaded-kernel-module", DRIVER, START)),
    **dict.fromkeys(("kill", "tgkill", "tkill"), _KILLED),
    **dict.fromkeys(("mkdir", "mkdirat"), ("created-directory", FILE, CREATION)),
    **dict.fromkeys(("mknod", "mknodat"), ("make-device", FILE, CREATION)),
    **dict.fromkeys(("open", "openat", "openat2", "readlink", "readlinkat"), _OPENED),
    **dict.fromkeys(("recvfrom", "recvmsg", "recvmmsg"), _RECEIVED),
    **dict.fromkeys(("rename", "renameat", "renameat2"), _RENAMED),
    **dict.fromkeys(("rmdir", "unlink", "unlinkat"), _DELETED),
    **dict.fromkeys(("sendto", "sendmsg", "sendmmsg"), _SENT),
    **dict.fromkeys(("setdomainname", "sethostname"), ("changed-system-name", HOST, CHANGE)),
    **dict.fromkeys(("setgid", "setregid", "setresgid", "setresuid", "setreuid", "setuid", "setfsuid"), _IDENTITY),
    **dict.fromkeys(("symlink", "symlinkat"), ("symlinked", FILE, CREATION)),
    **dict.fromkeys(("link", "linkat"), ("linked", FILE, CREATION)),
    **dict.fromkeys(("umount", "umount2"), ("unmounted", FILE, DELETION)),
    "bind": ("bound-socket", NETWORK, START),
    "connect": ("connected-to", NETWORK, ("connection", "start")),
    "creat": _CREATED,
    "delete_module": ("unloaded-kernel-module", DRIVER, END),
    "listen": ("listen-for-connections", NETWORK, START),
    "memfd_create": ("created-memory-file", FILE, CREATION),
    "mount": ("mounted", FILE, CREATION),
    "ptrace": ("traced-process", PROCESS, ACCESS),
    "read": ("read-file", FILE, INFO),
    "write": ("wrote-to-file", FILE, CHANGE),
}

DIRECTIONS = {
    **dict.fromkeys(("accept", "accept4", "recvfrom", "recvmsg"), "ingress"),
    **dict.fromkeys(("connect", "sendto", "sendmsg"), "egress"),
}

# The names that a line gives by number: the machine's word in `arch`, then the number of the call.
ARCHITECTURES = {
    "c000003e": "x86_64",
    "40000003": "i386",
    "c00000b7": "aarch64",
    "40000028": "arm",
    "c0000015": "ppc64le",
    "80000016": "s390x",
}
_X86_64 = {
    **{0: "read", 1: "write", 2: "open", 4: "stat", 5: "fstat", 6: "lstat", 21: "access", 42: "connect", 43: "accept"},
    **{44: "sendto", 45: "recvfrom", 46: "sendmsg", 47: "recvmsg", 49: "bind", 50: "listen", 56: "clone", 57: "fork"},
    **{58: "vfork", 59: "execve", 62: "kill", 76: "truncate", 77: "ftruncate", 82: "rename", 83: "mkdir", 84: "rmdir"},
    **{85: "creat", 86: "link", 87: "unlink", 88: "symlink", 89: "readlink", 90: "chmod", 91: "fchmod", 92: "chown"},
    **{93: "fchown", 94: "lchown", 101: "ptrace", 105: "setuid", 106: "setgid", 113: "setreuid", 114: "setregid"},
    **{117: "setresuid", 119: "setresgid", 122: "setfsuid", 132: "utime", 133: "mknod", 159: "adjtimex"},
    **{164: "settimeofday", 165: "mount", 166: "umount2", 170: "sethostname", 171: "setdomainname"},
    **{175: "init_module", 176: "delete_module", 188: "setxattr", 189: "lsetxattr", 190: "fsetxattr"},
    **{197: "removexattr", 198: "lremovexattr", 199: "fremovexattr", 200: "tkill", 227: "clock_settime"},
    **{234: "tgkill", 235: "utimes", 257: "openat", 258: "mkdirat", 259: "mknodat", 260: "fchownat", 262: "newfstatat"},
    **{263: "unlinkat", 264: "renameat", 265: "linkat", 266: "symlinkat", 267: "readlinkat", 268: "fchmodat"},
    **{269: "faccessat", 280: "utimensat", 285: "fallocate", 288: "accept4", 305: "clock_adjtime", 313: "finit_module"},
    **{316: "renameat2", 319: "memfd_create", 321: "bpf", 322: "execveat", 437: "openat2"},
}
_AARCH64 = {
    **{33: "mknodat", 34: "mkdirat", 35: "unlinkat", 36: "symlinkat", 37: "linkat", 38: "renameat", 39: "umount2"},
    **{40: "mount", 45: "truncate", 46: "ftruncate", 48: "faccessat", 52: "fchmod", 53: "fchmodat", 54: "fchownat"},
    **{55: "fchown", 56: "openat", 63: "read", 64: "write", 88: "utimensat", 105: "init_module", 106: "delete_module"},
    **{112: "clock_settime", 117: "ptrace", 129: "kill", 144: "setgid", 146: "setuid", 161: "sethostname"},
    **{170: "settimeofday", 200: "bind", 201: "listen", 202: "accept", 203: "connect", 206: "sendto", 207: "recvfrom"},
    **{211: "sendmsg", 212: "recvmsg", 221: "execve", 242: "accept4", 273: "finit_module", 276: "renameat2"},
    **{279: "memfd_create", 281: "execveat", 437: "openat2"},
}
NUMBERED = {
    **{("x86_64", str(number)): name for number, name in _X86_64.items()},
    **{("aarch64", str(number)): name for number, name in _AARCH64.items()},
    ("i386", "11"): "execve",
}

# Kernel messages name a record by its number.
RECORD_NUMBERS = {
    **{"1006": "LOGIN", "1100": "USER_AUTH", "1101": "USER_ACCT", "1102": "USER_MGMT", "1103": "CRED_ACQ"},
    **{"1104": "CRED_DISP", "1105": "USER_START", "1106": "USER_END", "1107": "USER_AVC", "1108": "USER_CHAUTHTOK"},
    **{"1109": "USER_ERR", "1110": "CRED_REFR", "1111": "USYS_CONFIG", "1112": "USER_LOGIN", "1113": "USER_LOGOUT"},
    **{"1114": "ADD_USER", "1115": "DEL_USER", "1116": "ADD_GROUP", "1117": "DEL_GROUP", "1123": "USER_CMD"},
    **{"1127": "SYSTEM_BOOT", "1128": "SYSTEM_SHUTDOWN", "1129": "SYSTEM_RUNLEVEL", "1130": "SERVICE_START"},
    **{"1131": "SERVICE_STOP", "1300": "SYSCALL", "1302": "PATH", "1305": "CONFIG_CHANGE", "1306": "SOCKADDR"},
    **{"1307": "CWD", "1309": "EXECVE", "1325": "NETFILTER_CFG", "1326": "SECCOMP", "1327": "PROCTITLE"},
    **{"1330": "KERN_MODULE", "1334": "BPF", "1400": "AVC", "1401": "SELINUX_ERR", "1403": "MAC_POLICY_LOAD"},
    **{"1404": "MAC_STATUS", "1405": "MAC_CONFIG_CHANGE", "1700": "ANOM_PROMISCUOUS", "1701": "ANOM_ABEND"},
    **{"1702": "ANOM_LINK", "2000": "KERNEL"},
}
