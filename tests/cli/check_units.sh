#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check_units.sh UNIT...: does systemd accept the units of keyshm-ctl check, with this keyshm-ctl in them?
set -eu
: "${KEYSHM_CTL:?}"

command -v systemd-analyze >/dev/null || {
    echo "SKIPPED: no systemd-analyze"
    exit 77
}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for unit; do
    # As it is before it is installed, its program is not where the unit looks for it.
    sed "s#^ExecStart=[^ ]*#ExecStart=$KEYSHM_CTL#" "$unit" >"$tmp/$(basename "$unit")"
done
grep -q "^ExecStart=$KEYSHM_CTL check %i$" "$tmp/keyshm-check@.service"

# What systemd says of the units of this machine does not matter.
status=0
systemd-analyze verify --man=no "$tmp/keyshm-check@openai.service" "$tmp/keyshm-check@openai.timer" >"$tmp/said" 2>&1 ||
    status=$?
grep -q 'keyshm-check' "$tmp/said" && status=1
if [ "$status" -ne 0 ]; then
    cat "$tmp/said" >&2
    exit 1
fi
