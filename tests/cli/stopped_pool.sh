#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A pool whose workers were all stopped, as by a cgroup freezer, one of them while adding a key: every view shows this at
# once, with the worker's name; picks and marks still work; the pool is usable again when that worker continues or ends.
. "$(dirname "$0")/lib.sh"
apart_from_other_pools

run 0 "$FIXTURE" create "$pool" 50
add "$pool" AAAA BBBB

# picks_of PID
picks_of() {
    "$stat" --workers --raw --noheadings --exact -o PID,PICKS "$pool" | sed -n "s/^$1 //p"
}

# One stops in the middle of adding a key, the others pick and mark until they are stopped too.
"$FIXTURE" add-and-stop "$pool" "$(key CCCC)" 2>"$tmp/said.0" &
adder=$!
helpers="$helpers $adder"
comes_to T "$adder"
workers=$adder
for number in 1 2; do
    "$FIXTURE" work "$pool" 2>"$tmp/said.$number" &
    worker=$!
    workers="$workers $worker"
    helpers="$helpers $worker"
    until [ "$(picks_of "$worker")" -gt 0 ] 2>/dev/null; do
        kill -0 "$worker" || fail "a worker failed"
        sleep 0.01
    done
    stop "$worker"
done
refused 1 "$ctl" verify "$pool"
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
run 0 "$stat" --pools --raw --noheadings -o HOLDER-PID,HOLDER,HOLDER-STATE "$pool"
out_is "$adder cli-fixture T"
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
    until [ "$(picks_of "$worker")" -gt "$picks" ]; do
        kill -0 "$worker" || fail "worker $worker does not go on"
        sleep 0.01
    done
done
cat "$tmp"/said.* >"$err"
[ ! -s "$err" ] || fail "a worker failed"
