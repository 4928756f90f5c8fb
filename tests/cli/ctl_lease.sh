#!/bin/sh
# SPDX-License-Identifier: MIT
#
# exec has a request in flight as long as its command runs; next has none, and passes over keys with a cap.
. "$(dirname "$0")/lib.sh"

run 0 "$ctl" create "$pool"
add "$pool" AAAA BBBB
first=$(id_of "$pool" 0)
second=$(id_of "$pool" 1)
run 0 "$ctl" group "$pool" org --put-in "$first"
group=$(cut -d ' ' -f 1 "$out")

with_key() {
    "$ctl" exec "$pool" --env KEY "$@"
}

# hold: run a command with a key, and return when it runs. $running is the pid of keyshm-ctl; end_it ends the command.
hold() {
    mkfifo "$tmp/runs" "$tmp/end"
    # shellcheck disable=SC2016
    "$ctl" exec "$pool" --env KEY -- sh -c 'echo $$ >"$0"; read -r _ <"$1"' "$tmp/runs" "$tmp/end" &
    running=$!
    read -r child <"$tmp/runs"
    helpers="$helpers $running $child"
}

end_it() {
    echo >"$tmp/end"
    wait "$running" || fail "exec failed"
    rm "$tmp/runs" "$tmp/end"
}

# A place of the key as long as the command runs, which others wait for.
run 0 "$ctl" pause "$pool" "$second"
run 0 "$ctl" limits "$pool" "$first" --in-flight 1
hold
refused 4 with_key -- touch "$tmp/ran"
err_has "^keyshm-ctl: pool $pool: no key is available now; the next will be when a request in flight ends; see them with: "
refused 4 with_key --wait 0.2 -- touch "$tmp/ran"
[ ! -e "$tmp/ran" ] || fail "more ran than the cap allows"
with_key --wait forever -- touch "$tmp/ran" &
waiting=$!
helpers="$helpers $waiting"
run 0 "$ctl" mark "$pool" "$second" rate_limited --retry-after 9000
run 0 "$ctl" resume "$pool" "$second"
refused 4 with_key -- true
err_has 'the next will be in [89][0-9][0-9][0-9]\.[0-9]* seconds, or when a request in flight ends$'
[ ! -e "$tmp/ran" ] || fail "more ran than the cap allows"
end_it
wait "$waiting" || fail "the next one did not get its place"
[ -e "$tmp/ran" ] || fail "the next one did not run"
run 0 with_key -- true
run 0 "$ctl" reap "$pool"
out_is 0

# One that is killed leaves a lease, which others find, or reap gives back. Its command gets a TERM.
hold
kill -KILL "$running"
wait "$running" 2>/dev/null || true
run 0 with_key --wait forever -- true
rm "$tmp/runs" "$tmp/end"
hold
kill -KILL "$running"
wait "$running" 2>/dev/null || true
run 0 "$ctl" reap "$pool" "$running"
out_is 1
rm "$tmp/runs" "$tmp/end"

# What was not run is not charged, and a place that it had is free.
run 0 "$ctl" limits "$pool" "$first" --requests 1/day --requests-burst 1
run 127 with_key -- "$tmp/none"
run 0 with_key -- true
refused 4 with_key -- true
err_has 'no key is available now; the next will be in '
run 0 "$ctl" limits "$pool" "$first" --none

run 0 "$ctl" model "$pool" m/1

# --tokens is charged, with exec held as long as the command runs.
run 0 "$ctl" limits "$pool" "$first" --tokens 100/day --tokens-burst 100
run 0 with_key --tokens 60 -- "$ctl" mark "$pool" "$first" available
silent
refused 4 with_key --tokens 41 -- true
refused 4 "$ctl" next "$pool" --tokens 41 --model m/1
run 0 with_key --tokens 10 -- sh -c "! '$ctl' next '$pool' --tokens 31 2>/dev/null"
run 0 "$ctl" next "$pool" --tokens 30
refused 4 "$ctl" next "$pool" --tokens 1
run 0 "$ctl" limits "$pool" "$first" --none

# next passes over keys with a cap, their own or their group's, and says so when there is no other one.
run 0 "$ctl" mark "$pool" all available
run 0 "$ctl" limits "$pool" "$first" --in-flight 5
only='each key that could be picked has a cap on its requests in flight, and next cannot give it back when the request ends; use:'
# passes_over ID: what has the cap.
passes_over() {
    for _ in 1 2 3; do
        for option in --wait=600 --model=m/1 --tokens=5; do
            run 0 "$ctl" next "$pool" "$option"
            out_is "$second $(key BBBB)"
        done
    done
    run 0 "$ctl" mark "$pool" "$second" rate_limited --retry-after 9000
    for option in --json --wait=0.2; do
        refused 4 "$ctl" next "$pool" "$option"
        err_has "^keyshm-ctl: pool $pool: $only keyshm-ctl exec $pool\$"
    done
    run 0 "$ctl" mark "$pool" "$second" rate_limited --retry-after 0.3
    run 0 "$ctl" mark "$pool" "$second" available
    run 0 "$ctl" mark "$pool" "$second" rate_limited --retry-after 0.3
    run 0 "$ctl" next "$pool" --wait 600
    out_is "$second $(key BBBB)"
    run 0 "$ctl" mark "$pool" "$second" invalid
    for option in --json --model=m/1 --tokens=5 --wait=600; do
        refused 1 "$ctl" next "$pool" "$option"
        err_has "^keyshm-ctl: pool $pool: $only keyshm-ctl exec $pool\$"
    done
    run 0 with_key -- true
    run 0 "$ctl" limits "$pool" "$1" --in-flight 1
    hold # all of them are taken
    refused 1 "$ctl" next "$pool" --wait 600
    err_has "^keyshm-ctl: pool $pool: $only keyshm-ctl exec $pool\$"
    end_it
    run 0 "$ctl" mark "$pool" "$second" available
}
passes_over "$first"
run 0 "$ctl" limits "$pool" "$first" --none
run 0 "$ctl" limits "$pool" --group org --in-flight 5
passes_over "$group"

# Also where those without a cap come later.
run 0 "$ctl" priority "$pool" "$second" 3
run 0 "$ctl" next "$pool"
out_is "$second $(key BBBB)"

# It has taken nothing from the key that it passed over.
run 0 "$ctl" limits "$pool" --group org --in-flight 1 --requests 1/day --requests-burst 1
run 0 "$ctl" next "$pool"
run 0 "$ctl" mark "$pool" "$second" invalid
refused 1 "$ctl" next "$pool" --tokens 1
run 0 with_key -- true
