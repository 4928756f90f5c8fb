#!/bin/sh
# SPDX-License-Identifier: MIT
#
# keyshm-ctl, with keys in its memory, leaves no core file.
. "$(dirname "$0")/lib.sh"

ulimit -c unlimited 2>/dev/null || skip "not permitted to have core files"
cd "$tmp"
sh -c 'kill -ABRT $$; :' 2>/dev/null || true
ls core* >/dev/null 2>&1 || skip "core files are not written here"
rm -f core*

run 0 "$ctl" create "$pool"
mkfifo fifo
"$ctl" add "$pool" <fifo >"$out" 2>"$err" &
adding=$!
helpers=$adding
exec 3>fifo
# More than the capacity of a pipe: once all of it is written, the program is reading.
printf '%s\n' "$(key AAAA)" >&3
head -c 1000000 /dev/zero | tr '\0' '\n' >&3
kill -ABRT "$adding"
status=0
wait "$adding" || status=$?
helpers=
[ "$status" -gt 128 ] || fail "it was not killed, but ended with $status"
! ls core* >/dev/null 2>&1 || fail "a core file"
