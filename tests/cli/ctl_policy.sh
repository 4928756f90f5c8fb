#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

run 0 "$ctl" create "$pool" --cooldown 1.5
add "$pool" AAAA
id=$(id_of "$pool" 0)
run 0 "$ctl" policy "$pool"
out_is 'cooldown=1.500
cooldown-max=86400'

# It is changed at once, and only what is given.
run 0 "$ctl" policy "$pool" --cooldown 0
silent
run 0 "$ctl" mark "$pool" "$id" rate_limited
is "$(of_pool "$pool" keys 0 cooldown_left_ms)" -1
run 0 "$ctl" policy "$pool" --cooldown-max 3600 --json
is "$(json cooldown_ms) $(json cooldown_max_ms)" '0 3600000'
run 0 "$ctl" mark "$pool" "$id" available
run 0 "$ctl" mark "$pool" "$id" rate_limited --retry-after 7200
[ "$(of_pool "$pool" keys 0 cooldown_left_ms)" -le 3600100 ] || fail "longer than the longest"
run 0 "$stat" --events --raw --noheadings -o kind "$pool"
out_has '^settings$'

refused 1 "$ctl" policy "$pool" --cooldown-max 0
err_has '^keyshm-ctl: policy: --cooldown-max must be seconds from 0.001 '
refused 2 "$ctl" policy "$pool.none"
