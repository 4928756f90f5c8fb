#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

run 0 "$ctl" create "$pool"
add "$pool" AAAA
run 0 "$ctl" reap "$pool"
out_is 0

# The living keep what they hold.
run 0 "$ctl" limits "$pool" --in-flight 2
keep lease "$pool" 1 0 0
run 0 "$ctl" reap "$pool"
out_is 0
run 0 "$ctl" reap "$pool" "$holder"
out_is 0
first=$holder
keep lease "$pool" 1 0 0

# Those of one process, then those of all that are dead; once. A killed one is dead when its parent has waited for it.
kill -KILL "$first" "$holder"
wait "$first" "$holder" 2>/dev/null || true
run 0 "$ctl" reap "$pool" "$first"
out_is 1
[ ! -s "$err" ] || fail "an unexpected message"
run 0 "$ctl" reap "$pool" "$first"
out_is 0
run 0 "$ctl" reap "$pool" --json
is "$(json given_back)" 1
run 0 "$ctl" reap "$pool"
out_is 0

for pid in 0 x '' 1.5 2147483648; do
    refused 1 "$ctl" reap "$pool" "$pid"
    err_has '^keyshm-ctl: reap: PID must be the number of a process'
done
refused 2 "$ctl" reap "$pool.none"
