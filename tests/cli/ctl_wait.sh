#!/bin/sh
# SPDX-License-Identifier: MIT
#
# next and exec wait for a key with --wait: until another process makes one available or gives one back, until the time is over,
# or until a signal comes.
. "$(dirname "$0")/lib.sh"

run 0 "$ctl" create "$pool"
add "$pool" AAAA
id=$(id_of "$pool" 0)

# wait_for COMMAND [ARGUMENT]...: start it, and return when it is in the pool and sleeps. Its pid is $waiting.
wait_for() {
    "$@" >"$out" 2>"$err" &
    waiting=$!
    helpers="$helpers $waiting"
    until "$stat" --workers --raw --noheadings -o PID "$pool" | grep -qx "$waiting"; do
        kill -0 "$waiting" 2>/dev/null || fail "it ended, and does not wait: $*"
        sleep 0.01
    done
    comes_to S "$waiting"
}

# ends STATUS: check the exit status of what waits.
ends() {
    status=0
    wait "$waiting" || status=$?
    is "$status" "$1" "exit status after the wait"
}

# A wait is over at once where there is a key, or none at all.
run 0 "$ctl" next "$pool" --wait forever
run 0 "$ctl" create "$pool.empty"
refused 4 "$ctl" next "$pool.empty" --wait forever
refused 4 "$ctl" exec "$pool.empty" --env KEY --wait forever -- true

# A mark by another process ends it.
for duration in 6000 forever; do
    run 0 "$ctl" mark "$pool" "$id" invalid
    wait_for "$ctl" next "$pool" --wait "$duration"
    "$ctl" mark "$pool" "$id" available
    ends 0
    out_is "$id $(key AAAA)"
    run 0 "$ctl" mark "$pool" "$id" invalid
    wait_for "$ctl" exec "$pool" --env KEY --wait "$duration" -- echo ran
    "$ctl" mark "$pool" "$id" available
    ends 0
    out_is ran
done

# The end of a bench ends it, and a budget that is not used up any longer.
run 0 "$ctl" mark "$pool" "$id" rate_limited --retry-after 0.3
run 0 "$ctl" next "$pool" --wait forever --model m
run 0 "$ctl" limits "$pool" --requests 2/s --requests-burst 1
run 0 "$ctl" next "$pool" --wait 600
run 0 "$ctl" exec "$pool" --env KEY --wait 600 -- true
run 0 "$ctl" limits "$pool" --none

# The time is over.
run 0 "$ctl" mark "$pool" "$id" invalid
refused 4 "$ctl" next "$pool" --wait 0.2
err_has "no key is available, and none will be by itself; see why with: keyshm-stat $pool$"
refused 4 "$ctl" next "$pool" --wait 0
refused 4 "$ctl" exec "$pool" --env KEY --wait 0.2 -- touch "$tmp/ran"
[ ! -e "$tmp/ran" ] || fail "it ran without a key"

# It sleeps meanwhile: every 100 ms it looks, also where a key with a cap could be picked, which is not for next. LeakSanitizer
# cannot work under strace.
run 0 "$ctl" create "$pool.capped"
add "$pool.capped" AAAA BBBB
run 0 "$ctl" limits "$pool.capped" "$(id_of "$pool.capped" 0)" --in-flight 1
run 0 "$ctl" mark "$pool.capped" "$(id_of "$pool.capped" 1)" rate_limited --retry-after 9000
if strace -o "$tmp/trace" true 2>/dev/null; then
    for command in "next $pool" "exec $pool --env KEY -- true" "next $pool.capped"; do
        # shellcheck disable=SC2086
        ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" run 4 strace -o "$tmp/trace" "$ctl" --wait 1 $command
        count=$(grep -c 'FUTEX_WAIT\|nanosleep(' "$tmp/trace") || fail "$command does not sleep"
        [ "$count" -le 20 ] || fail "$command slept $count times in a second"
    done
fi

# A signal ends it, with the status that it has everywhere. A shell lets its children ignore INT.
for number in 1 2 3 15; do # HUP, INT, QUIT, TERM
    for command in "next $pool" "exec $pool --env KEY -- touch $tmp/ran"; do
        # shellcheck disable=SC2086
        wait_for env --default-signal="$number" "$ctl" --wait forever $command
        kill -"$number" "$waiting"
        ends "$((128 + number))"
    done
done
[ ! -e "$tmp/ran" ] || fail "it ran after the signal"
run 0 "$ctl" mark "$pool" "$id" available
run 0 "$ctl" limits "$pool" --in-flight 1
run 0 "$ctl" exec "$pool" --env KEY -- true # nothing is in flight

# One that was stopped and continues still waits.
run 0 "$ctl" mark "$pool" "$id" invalid
wait_for "$ctl" exec "$pool" --env KEY --wait forever -- echo ran
stop "$waiting"
kill -CONT "$waiting"
comes_to S "$waiting"
run 0 "$ctl" mark "$pool" "$id" available
ends 0
