#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

run 0 "$FIXTURE" create "$pool" 50
add "$pool" AAAA
feed '%s\n' "$(key BBBB)"

# No process holds the mutex.
run 0 "$ctl" break-lock "$pool" --yes
out_is "pool $pool: nobody holds the mutex; nothing was done"
run 0 "$ctl" break-lock "$pool" --yes --json
is "$(json was_killed)" false
is "$(json mutex_holder_pid)" 0

is_alive() {
    [ -d "/proc/$1" ] && ! grep -q '^State:.Z' "/proc/$1/status"
}

# A process that has just taken the mutex is not killed.
keep hold "$pool"
setsid --wait "$ctl" break-lock "$pool" >"$out" 2>"$err" </dev/null && fail "it continued without asking"
run 0 "$ctl" holder "$pool" --json
cp "$out" "$tmp/holder"
is_alive "$holder" || fail "it was killed without confirmation"
setsid --wait "$ctl" break-lock "$pool" >"$out" 2>"$err" </dev/null && fail "it continued without asking"
[ "$("$JSON_GET" mutex_held_ms <"$tmp/holder")" -gt 1000 ] || grep -q 'took it just now\|no terminal to ask on' "$err" ||
    fail "not refused for the expected reason"

# A stopped one is killed only with --yes: there is no terminal to ask on.
stop "$holder"
refused 1 setsid --wait "$ctl" break-lock "$pool" </dev/null
err_has "^keyshm-ctl: pool $pool: the mutex is held by pid $holder (cli-fixture), stopped, for .*; there is no terminal to ask on"
err_has 'nothing was done; to kill it unasked, use --yes$'
is_alive "$holder" || fail "it was killed without confirmation"
run 1 "$ctl" add "$pool" <"$in"

run 0 "$ctl" break-lock "$pool" --yes
out_is "pool $pool: pid $holder was killed and left no change unfinished; the pool is recovered, and has 1 keys"
err_has "^keyshm-ctl: pool $pool: killing the holder of its mutex: pid $holder (cli-fixture), stopped, for "
status=0
wait "$holder" || status=$?
is "$status" 137 "how it ended"
run 0 "$ctl" add "$pool" <"$in"
run 0 "$ctl" verify "$pool"

# During a membership change.
keep change "$pool"
stop "$holder"
run 0 "$ctl" break-lock "$pool" --yes --json
is "$(json mutex_holder_pid)" "$holder"
is "$(json mutex_holder_state)" T
is "$(json was_killed)" true
is "$(json was_in_change)" true
is "$(json recoveries)" "$(of_pool "$pool" recoveries)"
wait "$holder" || true
run 0 "$ctl" verify "$pool"
holds 2
run 0 "$stat" --events --raw --noheadings -o KIND,DEAD "$pool"
out_has "^recovered $holder$"

# A running process that has held the mutex for more than a second.
keep change "$pool"
tries=0
until [ "$("$ctl" holder "$pool" --json | "$JSON_GET" mutex_held_ms)" -gt 1000 ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 3000 ] || fail "time does not pass"
    sleep 0.02
done
run 0 "$ctl" break-lock "$pool" --yes
out_has "pid $holder was killed while it added or removed a key, and what it left of that was cleaned up"
wait "$holder" || true

# Not from another PID namespace: there the pid may be another process's.
if unshare --pid --fork --mount-proc true 2>/dev/null; then
    keep hold "$pool"
    stop "$holder"
    refused 1 unshare --pid --fork --mount-proc "$ctl" break-lock "$pool" --yes
    err_has "the process that holds the mutex is in another PID namespace; run break-lock there, or from outside of it$"
    is_alive "$holder" || fail "it was killed from another PID namespace"
fi

# Not another user's process, even if that user may attach.
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
    run 0 "$ctl" create "$pool.other"
    mkfifo "$tmp/held"
    "$FIXTURE" hold-as "$pool.other" 65534 >"$tmp/held" &
    other=$!
    helpers="$helpers $other"
    read -r _ <"$tmp/held"
    stop "$other"
    refused 1 "$ctl" break-lock "$pool.other" --yes
    err_has "the process that holds the mutex is not this user's; ask its owner to end it$"
    is_alive "$other" || fail "another user's process was killed"
fi
refused 2 "$ctl" break-lock "$pool.none" --yes
