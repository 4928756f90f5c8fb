#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

refused 2 "$ctl" next "$pool"
err_has "pool $pool: there is no such pool; make it with: keyshm-ctl create $pool$"

run 0 "$ctl" create "$pool"
refused 4 "$ctl" next "$pool"
err_has "^keyshm-ctl: pool $pool: the pool has no keys; add one with: keyshm-ctl add $pool$"

# In turn.
add "$pool" AAAA BBBB CCCC
for end in AAAA BBBB CCCC AAAA; do
    run 0 "$ctl" next "$pool"
    [ ! -s "$err" ] || fail "an unexpected message"
    case $end in AAAA) slot=0 ;; BBBB) slot=1 ;; CCCC) slot=2 ;; esac
    out_is "$(id_of "$pool" "$slot") $(key "$end")"
done
is "$(of_pool "$pool" keys 0 picks)" 2

run 0 "$ctl" next --json "$pool"
is "$(json)" 'schema provider id key stamp model '
is "$(json schema)" 1
is "$(json provider)" "$pool"
is "$(json id)" "$(id_of "$pool" 1)"
is "$(json key)" "$(key BBBB)"
grep -q '"stamp":"[0-9]*"' "$out" || fail "a stamp has 64 bits, too many for a number in JSON"

# Skips unavailable keys; fails when none is left.
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 2)" invalid
run 0 "$ctl" next "$pool"
out_is "$(id_of "$pool" 0) $(key AAAA)"
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 0)" quota_exceeded
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 1)" rate_limited --retry-after 9000
refused 4 "$ctl" next "$pool"
err_has "^keyshm-ctl: pool $pool: no key is available now; the next will be in [89][0-9][0-9][0-9]\.[0-9][0-9][0-9] seconds$"
refused 4 "$ctl" next "$pool" --json
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 1)" invalid
refused 4 "$ctl" next "$pool"
err_has 'no key is available, and none will be by itself; see why with: keyshm-stat'

# Keys that JSON must escape, and one that it cannot represent.
run 0 "$ctl" create "$pool.odd"
feed '%s\n' "\\$secret\\"
run 0 "$ctl" add "$pool.odd" <"$in"
run 0 "$ctl" next "$pool.odd" --json
is "$(json key)" "\\$secret\\"
run 0 "$ctl" remove "$pool.odd" "$(id_of "$pool.odd" 0)"
feed '%s\377\n' "$secret"
run 0 "$ctl" add "$pool.odd" <"$in"
refused 1 "$ctl" next "$pool.odd" --json
err_has 'is not UTF-8, which JSON must be; use next without --json$'
run 0 "$ctl" next "$pool.odd"
is "$(cut -d ' ' -f 2 "$out" | od -An -c)" "$(printf '%s\377\n' "$secret" | od -An -c)" "the key as it was given"

# The longest key, every byte of it escaped.
run 0 "$ctl" create "$pool.wide" --key-max 4096
head -c 4096 /dev/zero | tr '\0' '\\' >"$in"
run 0 "$ctl" add "$pool.wide" <"$in"
run 0 "$ctl" next "$pool.wide" --json
is "$(json key | wc -c)" 4097
