#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

run 0 "$ctl" create "$pool"
run 0 "$ctl" reset "$pool"
out_is 0

add "$pool" AAAA BBBB CCCC DDDD EEEE
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 0)" rate_limited --retry-after 0.001
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 1)" quota_exceeded --retry-after 0.05
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 2)" rate_limited --retry-after 9000
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 3)" invalid
until [ "$(of_pool "$pool" status_count available)" = 3 ]; do
    sleep 0.05
done
run 0 "$ctl" reset "$pool"
out_is 2
[ ! -s "$err" ] || fail "an unexpected message"
run 0 "$ctl" reset "$pool"
out_is 0
is "$(of_pool "$pool" keys 2 status)" rate_limited
is "$(of_pool "$pool" keys 3 status)" invalid

refused 2 "$ctl" reset "$pool.none"
