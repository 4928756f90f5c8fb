#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

run 0 "$FIXTURE" create "$pool" 50
add "$pool" AAAA BBBB
keep hold "$pool"

# Inspection, picks and marks do not wait for the mutex; inspection shows its holder.
run 0 "$stat" "$pool"
held='for [0-9.]*[ms][ 0-9s]*'
out_has ", recoveries 0, mutex held by pid $holder (cli-fixture), sleeping, $held$"
run 0 "$stat" --json "$pool"
is "$(json pools 0 mutex_holder_pid)" "$holder"
is "$(json pools 0 mutex_holder_name)" cli-fixture
is "$(json pools 0 mutex_holder_state)" S
[ "$(json pools 0 mutex_held_ms)" -ge 0 ] || fail "the time it was held is negative"

# A stopped holder is distinguished from a running one.
stop "$holder"
run 0 "$stat" "$pool"
out_has ", mutex held by pid $holder (cli-fixture), stopped, $held$"
is "$(of_pool "$pool" mutex_holder_state)" T
run 0 "$ctl" next "$pool"
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 0)" invalid

# Adding and removing fail after the lock timeout.
feed '%s\n' "$(key CCCC)"
run 1 "$ctl" add "$pool" <"$in"
err_has "^keyshm-ctl: pool $pool: another process holds the mutex; see which with: keyshm-stat $pool$"
refused 1 "$ctl" remove "$pool" "$(id_of "$pool" 0)"
err_has 'another process holds the mutex'
holds 2

# Its death frees the pool.
kill -KILL "$holder"
wait "$holder" || true
run 0 "$ctl" add "$pool" <"$in"
run 0 "$stat" "$pool"
out_has "^$pool: 3/1024 keys, .* recoveries 1$"
is "$(of_pool "$pool" recoveries)" 1
