#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

run 0 "$ctl" create "$pool"
add "$pool" AAAA BBBB
id=$(id_of "$pool" 0)

run 0 "$ctl" remove "$pool" "$id"
silent
holds 1
is "$(of_pool "$pool" keys 0 masked_key)" sk-…BBBB
! grep -q -e '-AAAA' "$segment" || fail "the key is still in memory"
grep -q -e '-BBBB' "$segment" || fail "the other key is not in memory"

stale="no key has this id, or it was removed; see the ids with: keyshm-stat --ids $pool"
refused 1 "$ctl" remove "$pool" "$id"
err_has "$stale"
# The next key in this slot has another id.
add "$pool" CCCC
is "$(of_pool "$pool" keys 0 masked_key)" sk-…CCCC
refused 1 "$ctl" remove "$pool" "$id"
err_has "$stale"
for bad in '' -1 x "$(key CCCC)" 18446744073709551616; do
    refused 1 "$ctl" remove "$pool" -- "$bad"
    err_has 'remove: ID must be a number, as keyshm-stat --ids shows it, or the masked form of a key, such as sk-...6789\(, not "[^"]*"\)\?$'
done
holds 2
refused 2 "$ctl" remove "$pool.none" "$id"
