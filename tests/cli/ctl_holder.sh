#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

run 0 "$ctl" create "$pool"
run 0 "$ctl" holder "$pool"
out_is nobody
run 0 "$ctl" holder "$pool" --json
is "$(json mutex_holder_pid)" 0
is "$(json mutex_held_ms)" -1

# A duration, for people; --json has the milliseconds.
held='for \([0-9]*\.[0-9]s\|[0-9]*m [0-9][0-9]s\)'
keep hold "$pool"
run 0 "$ctl" holder "$pool"
out_has "^pid $holder (cli-fixture), sleeping, $held$"
stop "$holder"
run 0 "$ctl" holder "$pool"
out_has "^pid $holder (cli-fixture), stopped, $held$"
run 0 "$ctl" holder "$pool" --json
is "$(json mutex_holder_pid)" "$holder"
is "$(json mutex_holder_name)" cli-fixture
is "$(json mutex_holder_state)" T
[ "$(json mutex_held_ms)" -ge 0 ] || fail "the time it was held is negative"

# From another PID namespace the holder is not known.
if unshare --pid --fork --mount-proc true 2>/dev/null; then
    run 0 unshare --pid --fork --mount-proc "$ctl" holder "$pool"
    out_has "^a process in another PID namespace, $held$"
fi

# A dead process is not reported as the holder; the next one to lock the mutex detects its death.
kill -KILL "$holder"
wait "$holder" || true
run 0 "$ctl" holder "$pool"
out_is nobody
refused 2 "$ctl" holder "$pool.none"
