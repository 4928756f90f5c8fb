#!/bin/sh
# SPDX-License-Identifier: MIT

# An answer that does not come ends by itself, after the 15 seconds that a request may take, and says nothing about the key.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/check_lib.sh"

run 0 "$ctl" create "$pool"
add "$pool" WAIT GOOD
for slot in 0 1; do
    run 0 "$ctl" mark "$pool" "$(id_of "$pool" "$slot")" invalid
done
run 1 "$ctl" check "$pool"
out_is "$(id_of "$pool" 0) sk-…WAIT invalid -> invalid timeout transport
$(id_of "$pool" 1) sk-…GOOD invalid -> available 200 -"
err_has ': 1 of them got no answer (Timeout was reached)$'
