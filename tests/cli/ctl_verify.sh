#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

run 0 "$FIXTURE" create "$pool" 50
add "$pool" AAAA BBBB CCCC
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 1)" invalid
run 0 "$ctl" remove "$pool" "$(id_of "$pool" 2)"
run 0 "$ctl" verify "$pool"
out_is ""

run 0 "$FIXTURE" break-word "$pool"
run 3 "$ctl" verify "$pool"
out_has '^slot 0: its state word is none that keyshm writes$'
holds 1

refused 2 "$ctl" verify "$pool.none"
