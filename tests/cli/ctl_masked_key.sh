#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The masked form of a key in the place of its id.
. "$(dirname "$0")/lib.sh"

run 0 "$ctl" create "$pool"
add "$pool" AAAA BBBB
first=$(id_of "$pool" 0)
masked=$(of_pool "$pool" keys 0 masked_key)
is "$masked" sk-…AAAA

# Every command that takes the id of a key, with the ellipsis and with dots.
run 0 "$ctl" mark "$pool" "$masked" rate_limited --retry-after 60
is "$(of_pool "$pool" keys 0 status)" rate_limited
is "$(of_pool "$pool" keys 1 status)" available
run 0 "$ctl" mark "$pool" sk-...BBBB invalid
is "$(of_pool "$pool" keys 1 status)" invalid
run 0 "$ctl" pause "$pool" sk-...AAAA
is "$(of_pool "$pool" keys 0 is_paused)" true
run 0 "$ctl" resume "$pool" "$masked"
is "$(of_pool "$pool" keys 0 is_paused)" false
run 0 "$ctl" label "$pool" "$masked" team-a
run 0 "$ctl" label "$pool" sk-...AAAA
is "$(cat "$out")" team-a
run 0 "$ctl" metadata "$pool" "$first"
is "$(cat "$out")" label=team-a
run 0 "$ctl" --user "$(id -u)" metadata "$pool" "$masked" --json
is "$(json id <"$out")" "$first"

# Of none, or of several: nothing is changed.
before=$(of_pool "$pool" keys 0 marked available)
for none in sk-...CCCC ... …AAAA sk-…AAA sk-…AAAAA k-…AAAA; do
    refused 1 "$ctl" mark "$pool" "$none" available
    err_has "pool $pool: no key has the masked form that was given; see them with: keyshm-stat $pool\$"
done
printf '%s\n' "sk-another-$secret-AAAA" >"$in"
run 0 "$ctl" add "$pool" <"$in"
refused 1 "$ctl" mark "$pool" "$masked" available
err_has "pool $pool: 2 keys have that masked form; give an id instead; see them with: keyshm-stat --ids $pool\$"
is "$(of_pool "$pool" keys 0 marked available)" "$before"
run 0 "$ctl" remove "$pool" sk-...BBBB
holds 2
refused 2 "$ctl" remove "$pool.none" sk-...BBBB
err_has "there is no such pool"
