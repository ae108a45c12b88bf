#!/bin/sh
# nightly.sh: `hamrong nightly` every day at NIGHTLY_AT, in the time zone TZ.
#
# A loop and not cron: cron wants root, drops the environment that holds the settings, and hides the output. A night
# that fails is said in the log and does not end the loop; a restart in the night waits for the next one.
set -eu
while true; do
    now=$(date +%s)
    next=$(date --date "today ${NIGHTLY_AT:=01:00}" +%s)
    [ "$next" -gt "$now" ] || next=$(date --date "tomorrow $NIGHTLY_AT" +%s)
    echo "nightly: next run $(date --date "@$next" '+%F %R %Z')"
    sleep $((next - now))
    hamrong maintain --indices || echo "nightly: old indices stay, exit code $?" >&2
    hamrong nightly || echo "nightly: failed with exit code $?" >&2
done
