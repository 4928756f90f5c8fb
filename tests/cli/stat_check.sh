#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"
apart_from_other_pools

run 0 "$FIXTURE" create "$pool" 50
add "$pool" AAAA BBBB CCCC
run 0 "$ctl" remove "$pool" "$(id_of "$pool" 2)"
run 0 "$ctl" create "$pool.other"
run 0 "$stat" --check "$pool" "$pool.other"
out_is "$pool: ok
$pool.other: ok"
run 2 "$stat" --check "$pool.none" "$pool"
out_is "$pool: ok"
err_has "pool $pool.none: there is no such pool"
run 0 "$stat" --check
out_has "^$pool: ok$"

# The mutex is held, but no change is in progress: no problem.
keep hold "$pool"
run 0 "$stat" --check "$pool"
out_is "$pool: ok"
kill -KILL "$holder"
wait "$holder" || true

# A change that does not end, with the process that makes it; then that process is dead.
keep change "$pool.other"
refused 1 "$stat" --check "$pool.other"
err_has "^keyshm-stat: pool $pool.other: it cannot be checked while it is being changed; the mutex is held by pid $holder (cli-fixture), "
run 1 "$stat" --check "$pool" "$pool.other"
out_is "$pool: ok"
kill -KILL "$holder"
wait "$holder" || true
refused 1 "$stat" --check "$pool.other"
err_has "^keyshm-stat: pool $pool.other: it cannot be checked: "
err_has "keyshm-ctl repair $pool.other$"

# A damaged pool, by name.
run 0 "$FIXTURE" break-word "$pool"
run 4 "$stat" --check "$pool"
out_has "^$pool: slot 0: its state word is none that keyshm writes$"
run 4 "$stat" --check "$pool.none" "$pool"
run 4 "$stat" --check "$pool" "$pool.other"

# A file that is not a pool is reported as damaged.
head -c 100000 /dev/zero >"$segment.other"
refused 3 "$stat" --check "$pool.other"
