#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A pool whose workers were all stopped, as by a cgroup freezer, one of them while adding a key: every view shows this at
# once, with the worker's name; picks and marks still work; the pool is usable again when that worker continues or ends.
. "$(dirname "$0")/lib.sh"

run 0 "$FIXTURE" create "$pool" 50
add "$pool" AAAA BBBB

# picks_of PID
picks_of() {
    "$stat" --workers --raw --noheadings --exact -o PID,PICKS "$pool" | sed -n "s/^$1 //p"
}

# One adds and removes a key repeatedly, the others pick and mark.
"$FIXTURE" churn "$pool" "$(key CCCC)" 2>"$tmp/said.0" &
adder=$!
workers=$adder
for number in 1 2; do
    "$FIXTURE" work "$pool" 2>"$tmp/said.$number" &
    workers="$workers $!"
done
helpers="$helpers $workers"

# Stop that one repeatedly, until it is stopped during a change.
tries=0
until [ "$(of_pool "$pool" mutex_holder_pid)" -gt 0 ] && ! "$ctl" verify "$pool" >"$out" 2>"$err"; do
    tries=$((tries + 1))
    [ "$tries" -lt 200 ] || fail "the process was never stopped during an add"
    # shellcheck disable=SC2086
    kill -CONT $workers
    sleep 0.02
    for worker in $workers; do
        stop "$worker"
    done
done
is "$(of_pool "$pool" mutex_holder_pid)" "$adder"

held="mutex  *held by pid $adder (cli-fixture), stopped, for [0-9]"
run 0 "$stat" "$pool"
out_has "^$pool: [0-9]*/1024 keys, .*, $held"
run 0 "$stat"
out_has "^$pool: .*, $held"
run 0 "$stat" --watch --batch -n 1 "$pool"
out_has "^$held"
run 0 "$stat" --json "$pool"
is "$(json pools 0 mutex_holder_pid)" "$adder"
is "$(json pools 0 mutex_holder_name)" cli-fixture
is "$(json pools 0 mutex_holder_state)" T
[ "$(json pools 0 mutex_held_ms)" -ge 0 ] || fail "the time it was held is negative"
run 0 "$stat" --openmetrics "$pool"
out_has "^keyshm_pool_mutex_held_seconds{pool=\"$pool\"} [0-9.]*$"
run 0 "$stat" --workers --raw --noheadings -o STATE,PID "$pool"
for worker in $workers; do
    out_has "^stopped $worker$"
done
run 0 "$ctl" holder "$pool"
out_has "^pid $adder (cli-fixture), stopped, for "
refused 1 "$ctl" verify "$pool"
err_has "see which process with: keyshm-ctl holder $pool$"

# Only adding and removing wait for them.
run 0 "$ctl" next "$pool"
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 0)" rate_limited
run 0 "$ctl" reset "$pool"
feed '%s\n' "$(key FFFF)"
run 1 "$ctl" add "$pool" <"$in"
err_has "^keyshm-ctl: pool $pool: another process holds the mutex; see which with: keyshm-stat $pool$"

# The remedy.
run 0 "$ctl" break-lock "$pool" --yes
out_has "pid $adder was killed while it added or removed a key, and what it left of that was cleaned up; "
run 0 "$ctl" verify "$pool"
run 0 "$ctl" add "$pool" <"$in"
run 0 "$stat" "$pool"
! grep -q 'mutex held' "$out" || fail "still held"

# The others continue normally.
for worker in ${workers#"$adder"}; do
    picks=$(picks_of "$worker")
    kill -CONT "$worker"
    tries=0
    until [ "$(picks_of "$worker")" -gt "$picks" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 1000 ] || fail "worker $worker does not continue"
        sleep 0.01
    done
done
cat "$tmp"/said.* >"$err"
[ ! -s "$err" ] || fail "a worker failed"
