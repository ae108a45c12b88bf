r"""systemd: units that start, stop and fail, and what its services say of crashes and of the clock.

In:   messages of systemd and of its services, but systemd-logind
Out:  `systemd.unit`, `systemd.description`, `event.outcome`; of a crash `process.name`, `process.pid`, `user.id`
Docs: systemd src/core/job.c job_done_message_format(), unit.c unit_log_process_exit(), coredump.c
"""

from __future__ import annotations

from functools import partial

from ingest.lines import Line, Parser

# A unit is told by its description, which its author chose; newer versions put its name in front.
NAMED = r"(?P<systemd__unit>[^ ]+\.(?:service|socket|mount|timer|scope|slice|target|swap|path|device|automount))"
TITLE = rf"(?:{NAMED} - )?(?P<systemd__description>.*?)"

UNIT_STARTED = partial(Line, action="unit-start", category=("process",), type=("start",))
UNIT_STOPPED = partial(Line, action="unit-stop", category=("process",), type=("end",))
UNIT_FAILED = partial(Line, action="unit-failed", category=("process",), type=("end",), outcome="failure")
HOST = partial(Line, category=("host",))

PARSER = Parser(
    module="linux",
    dataset="linux.systemd",
    programs=(
        *("systemd", "systemd-coredump", "systemd-journald", "systemd-resolved", "systemd-timesyncd"),
        *("systemd-udevd", "systemd-networkd", "systemd-sysctl", "systemd-tmpfiles", "systemd-modules-load"),
        *("systemd-shutdown", "systemd-fsck", "systemd-user-sessions", "systemd-machined", "systemd-hostnamed"),
    ),
    lines=(
        UNIT_STARTED(rf"Started {TITLE}\.?", outcome="success"),
        UNIT_STARTED(rf"Starting {TITLE}(?:\.\.\.)?"),
        UNIT_STARTED(rf"(?:Listening on|Mounted|Mounting|Set up automount|Activated swap) {TITLE}(?:\.{{1,3}})?"),
        UNIT_STARTED(rf"(?:Reached target|Created slice|Finished) {TITLE}\.?", outcome="success"),
        UNIT_STARTED(rf"Failed to (?:start|listen on|mount) {TITLE}\.?", outcome="failure"),
        UNIT_STARTED(rf"Dependency failed for {TITLE}\.?", outcome="failure", fields={"event.reason": "a dependency"}),
        UNIT_STARTED(rf"Timed out (?:starting|waiting for device) {TITLE}\.?", outcome="failure"),
        UNIT_STOPPED(
            rf"(?:Stopped(?: target)?|Removed slice|Unmounted|Closed|Deactivated swap) {TITLE}\.?", outcome="success"
        ),
        UNIT_STOPPED(rf"(?:Stopping|Unmounting) {TITLE}(?:\.\.\.)?"),
        UNIT_FAILED(rf"{NAMED}: Failed with result '(?P<event__reason>.*)'\."),
        UNIT_FAILED(rf"{NAMED}: (?P<event__reason>(?:Main|Control) process exited, code=(?:killed|dumped), status=.*)"),
        UNIT_FAILED(rf"{NAMED}: (?P<event__reason>(?:Main|Control) process exited, code=exited, status=[1-9].*)"),
        UNIT_FAILED(rf"{NAMED}: (?P<event__reason>A process of this unit has been killed by the OOM killer)\."),
        UNIT_FAILED(rf"{NAMED}: (?P<event__reason>Start request repeated too quickly|Unit entered failed state)\."),
        UNIT_FAILED(rf"Unit {NAMED} (?P<event__reason>entered failed state)\."),
        UNIT_FAILED(rf"{NAMED}: (?P<event__reason>Failed to .*)"),
        UNIT_FAILED(rf"{NAMED}: (?P<event__reason>.* timed out\..*)"),
        UNIT_STOPPED(rf"{NAMED}: (?P<event__reason>Succeeded|Deactivated successfully)\.", outcome="success"),
        UNIT_STOPPED(
            rf"{NAMED}: (?P<event__reason>Main process exited, code=exited, status=0/SUCCESS)", outcome="success"
        ),
        UNIT_STARTED(rf"{NAMED}: (?P<event__reason>Scheduled restart job, restart counter is at [0-9]+)\."),
        Line(
            rf"{NAMED}: (?P<event__reason>Consumed .*|Unit process .*|Found left-over process .*)",
            action="unit-note",
            category=("process",),
            type=("info",),
        ),
        Line(
            r"Process (?P<process__pid>[0-9]+) \((?P<process__name>.*)\) of user (?P<user__id>[0-9]+)"
            r"(?:/(?P<user__name>[^ ]+))? (?P<event__reason>dumped core|terminated abnormally.*?)\..*",
            action="process-crash",
            category=("process",),
            type=("end",),
        ),
        HOST(
            r"(?P<event__reason>Reloading(?: requested.*)?|Reexecuting)\.?(?:\.\.)?",
            action="manager-reload",
            type=("change",),
        ),
        Line(rf"Reload(?:ed|ing) {TITLE}(?:\.{{1,3}})?", action="unit-reload", category=("process",), type=("change",)),
        HOST(r"systemd (?P<systemd__version>[^ ]+) running in system mode.*", action="boot", type=("start",)),
        HOST(r"(?:Startup finished in) (?P<event__reason>.*)", action="boot", type=("start",), outcome="success"),
        HOST(
            r"(?P<event__reason>Shutting down|Powering off|Rebooting|Halting system)\.",
            action="shutdown",
            type=("end",),
        ),
        HOST(
            r"(?P<event__reason>Time has been changed|Initial synchronization to time server .*|"
            r"Synchronized to time server .*)\.?",
            action="clock-change",
            type=("change",),
        ),
        HOST(r"Hostname set to <(?P<systemd__hostname>.*)>.*", action="hostname-change", type=("change",)),
        HOST(
            r"(?P<event__reason>Suppressed [0-9]+ messages from .*|File .* corrupted or uncleanly shut down.*|"
            r"Missed [0-9]+ kernel messages)",
            action="log-lost",
            type=("info",),
        ),
    ),
)
