#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

run 0 "$FIXTURE" create "$pool" 50
add "$pool" AAAA BBBB CCCC
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 1)" invalid

# Nothing to do.
run 0 "$ctl" repair "$pool"
out_is "pool $pool: nothing to repair"
run 0 "$ctl" repair "$pool" --json
is "$(json problem_count)" 0
is "$(json problems)" 0
is "$(json left_count)" 0

# A membership change that was interrupted by death. Repair is optional here: the next change would do the same.
keep change "$pool"
kill -KILL "$holder"
wait "$holder" || true
refused 1 "$ctl" verify "$pool"
err_has "or the process that was doing so has died or been stopped; see which process with: keyshm-ctl holder $pool$"
run 0 "$ctl" repair "$pool" --json
is "$(json problem_count)" 1
is "$(json problems 0)" 'the addition or removal of a key was not finished'
is "$(json left_count)" 0
is "$(of_pool "$pool" recoveries)" 1
run 0 "$ctl" verify "$pool"

# Interrupted by being stopped: repair cannot solve this.
keep change "$pool"
stop "$holder"
run 1 "$ctl" repair "$pool"
err_has "another process holds the mutex; see which with: keyshm-stat $pool$"
kill -KILL "$holder"
wait "$holder" || true
run 0 "$ctl" repair "$pool"
out_is "the addition or removal of a key was not finished
pool $pool: repaired"

# A wrong hint is recomputed, and reported as damage.
run 0 "$FIXTURE" spoil "$pool"
run 3 "$ctl" verify "$pool"
out_has 'index'
err_has "^keyshm-ctl: pool $pool: [0-9]* of its invariants \(is\|are\) broken; what can be repaired is, with: keyshm-ctl repair $pool; if that does not help, and no worker needs it, remove it with: keyshm-ctl destroy $pool$"
run 4 "$stat" --check "$pool"
run 0 "$ctl" repair "$pool"
out_has "^pool $pool: repaired$"
run 0 "$ctl" verify "$pool"
silent
run 0 "$stat" --events --raw --noheadings -o KIND "$pool"
out_has '^repaired$'

# It changes no key and no status.
is "$(of_pool "$pool" count)" 3
is "$(of_pool "$pool" keys 1 status)" invalid
is "$(of_pool "$pool" keys 2 status)" available

# An invalid state word cannot be recomputed: the slot is given up, or the problem is reported as left.
run 0 "$FIXTURE" break-word "$pool"
run 3 "$ctl" verify "$pool" --json
is "$(json problem_count)" "$(json problems)"
run 3 "$ctl" repair "$pool" --json
[ "$(json left_count)" -ge 1 ] || fail "exit status 3, but no problem is left"
run 3 "$ctl" repair "$pool"
err_has "cannot be repaired; if no worker needs it, remove it with: keyshm-ctl destroy $pool$"
[ "$(of_pool "$pool" count)" -ge 2 ] || fail "it took other keys with it"

refused 2 "$ctl" repair "$pool.none"
