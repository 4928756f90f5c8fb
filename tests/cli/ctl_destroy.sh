#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

run 0 "$ctl" create "$pool"
add "$pool" AAAA
run 0 "$ctl" destroy "$pool"
silent
[ ! -e "$segment" ] || fail "the segment is still there"

refused 2 "$ctl" destroy "$pool"
err_has "^keyshm-ctl: pool $pool: there is no such pool; see those of this user with: keyshm-stat$"
refused 1 "$ctl" destroy ../x

# A pool that cannot be attached to.
head -c 5000 /dev/urandom >"$segment"
run 0 "$ctl" destroy "$pool"
[ ! -e "$segment" ] || fail "the damaged segment is still there"
