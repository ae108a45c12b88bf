r"""kernel: what the Linux kernel says that matters for security -> crashes, denials, devices, protections.

In:   messages of kernel, with or without the seconds since boot in front
Out:  `process.name`, `process.pid`, `file.path`; the rest as `kernel.*`
Docs: linux arch/x86/mm/fault.c show_signal_msg(), mm/oom_kill.c, kernel/panic.c, drivers/usb/core/hub.c,
      drivers/net/wireguard, net/ipv4/tcp_input.c
"""

from __future__ import annotations

from functools import partial

from ingest.lines import Line, Parser

CLOCK = r"(?:\[ *(?P<kernel__uptime>[0-9]+\.[0-9]+)\] ?)?"
# A process may name itself with anything, so greedily up to the number in brackets.
TASK = r"(?P<process__name>.{1,64})\[(?P<process__pid>[0-9]+)\]:? "
DEVICE = r"(?P<kernel__device>[^ :]+(?: [0-9][^ :]*)?)"
PEER = r"\(?(?P<source__address>[0-9A-Fa-f.:]+|\[[0-9A-Fa-f:]+\]):(?P<source__port>[0-9]+)\)?"


def line(pattern: str, action: str, category: str, kind: str, outcome: str | None = None, **fields: str) -> Line:
    return Line(CLOCK + pattern, action=action, category=(category,), type=(kind,), outcome=outcome, fields=fields)


crash = partial(line, action="process-crash", category="process", kind="end")
usb = partial(line, category="host", kind="info")
alert = partial(line, category="intrusion_detection", kind="info")

PARSER = Parser(
    module="linux",
    dataset="linux.kernel",
    programs=("kernel",),
    lines=(
        crash(r"traps: " + TASK + r"(?P<event__reason>[a-z ]+?)(?: fault)? ip:.*"),
        crash(
            TASK + r"(?P<event__reason>segfault) at (?P<kernel__address>[0-9a-f]+) ip (?P<kernel__ip>[0-9a-f]+) "
            r"sp [0-9a-f]+ error (?P<kernel__error>[0-9a-f]+)(?: in (?P<kernel__library>.+?)\[[0-9a-f,+]+\])?.*"
        ),
        crash(TASK + r"(?P<event__reason>general protection(?: fault)?|trap [a-z ]+?)(?:,| ip:).*"),
        crash(
            r"(?:Out of memory|Memory cgroup out of memory): Kill(?:ed)? process (?P<process__pid>[0-9]+),? "
            r"\(?(?P<process__name>[^)]*)\)?.*",
            action="oom-kill",
        ),
        line(r"(?P<process__name>.{1,64}) invoked oom-killer: .*", "oom-start", "host", "info"),
        alert(r"(?P<kernel__device>[^ ]+): (?P<event__reason>entered promiscuous mode)", action="promiscuous-on"),
        alert(r"device (?P<kernel__device>[^ ]+) (?P<event__reason>entered promiscuous mode)", action="promiscuous-on"),
        alert(r"(?:device )?(?P<kernel__device>[^ :]+):? left promiscuous mode", action="promiscuous-off"),
        line(
            r"(?P<kernel__module>[^ :]+): (?P<event__reason>loading out-of-tree module taints kernel"
            r"|module verification failed: .*|module license '.*' taints kernel).*",
            "kernel-taint",
            "driver",
            "start",
        ),
        line(r"(?P<event__reason>Disabling lock debugging due to kernel taint)", "kernel-taint", "driver", "info"),
        line(
            r"Lockdown: (?P<process__name>.{1,64}): (?P<event__reason>.*?)(?: is restricted.*)",
            "lockdown-denied",
            "intrusion_detection",
            "denied",
            "failure",
        ),
        usb(
            r"usb (?P<kernel__device>[^ :]+): new (?P<kernel__usb__speed>.*?) USB device number "
            r"(?P<kernel__usb__number>[0-9]+) using .*",
            action="usb-connect",
        ),
        usb(
            r"usb (?P<kernel__device>[^ :]+): New USB device found, idVendor=(?P<kernel__usb__vendor_id>[0-9a-f]+), "
            r"idProduct=(?P<kernel__usb__product_id>[0-9a-f]+).*",
            action="usb-connect",
        ),
        usb(r"usb (?P<kernel__device>[^ :]+): Product: (?P<kernel__usb__product>.*)", action="usb-identify"),
        usb(r"usb (?P<kernel__device>[^ :]+): Manufacturer: (?P<kernel__usb__manufacturer>.*)", action="usb-identify"),
        usb(r"usb (?P<kernel__device>[^ :]+): SerialNumber: (?P<kernel__usb__serial>.*)", action="usb-identify"),
        usb(r"usb (?P<kernel__device>[^ :]+): USB disconnect, device number [0-9]+", action="usb-disconnect"),
        usb(r"usb-storage (?P<kernel__device>[^ ]+): USB Mass Storage device detected", action="usb-storage"),
        line(
            r"wireguard: (?P<observer__ingress__interface__name>[^ :]+): "
            rf"(?P<event__reason>Invalid handshake initiation|Packet has unallowed src IP \([^)]*\)) from "
            rf"(?:peer [0-9]+ )?{PEER}",
            "vpn-refused",
            "network",
            "denied",
            "failure",
        ),
        alert(
            r"(?:TCP: )?(?:request_sock_TCP: )?(?P<event__reason>Possible SYN flooding on port) "
            r"(?:\[?[^ ]*\]?:)?(?P<destination__port>[0-9]+)\. .*",
            action="syn-flood",
        ),
        alert(
            r"IPv4: (?P<event__reason>martian source) (?P<destination__address>[0-9.]+) from "
            r"(?P<source__address>[0-9.]+), on dev (?P<observer__ingress__interface__name>[^ ]+)",
            action="martian-source",
        ),
        line(
            r"nf_conntrack: (?:nf_conntrack: )?(?P<event__reason>table full, dropping packet).*",
            "conntrack-full",
            "network",
            "info",
        ),
        line(
            r"(?:[^ :]+: )?(?P<kernel__interface>[^ :]+):? (?:NIC Link is |Link is )(?P<event__reason>Up|Down)\b.*",
            "link-change",
            "network",
            "info",
        ),
        line(r"Kernel panic - not syncing: (?P<event__reason>.*)", "kernel-panic", "host", "end"),
        line(r"(?P<event__reason>BUG: .*)", "kernel-bug", "host", "info"),
        line(r"Linux version (?P<host__os__kernel>[^ ]+) .*", "boot", "host", "start", "success"),
        line(
            r"EXT4-fs \((?P<kernel__device>[^)]+)\): (?:re-)?mounted (?P<event__reason>.*)",
            "mount",
            "host",
            "info",
        ),
        line(
            r"audit: (?P<event__reason>backlog limit exceeded|kauditd hold queue overflow)",
            "audit-lost",
            "intrusion_detection",
            "info",
        ),
    ),
)
