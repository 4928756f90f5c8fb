#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

masks() {
    "$stat" --noheadings -o key -s key "$pool" | sed 1d | tr '\n' ' '
}

run 0 "$ctl" create "$pool" --capacity 3
add "$pool" AAAA BBBB CCCC
kept=$(id_of "$pool" 1)
run 0 "$ctl" mark "$pool" "$kept" invalid
run 0 "$ctl" label "$pool" "$kept" mine

# The pool is full, and two of its keys go: those that stay keep their id, state and notes.
feed '# the new list\n%s\n%s\r\n\n%s\n%s' "$(key DDDD)" "$(key BBBB)" "$(key EEEE)" "$(key DDDD)"
before=$(cksum <"$segment")
run 0 "$ctl" set "$pool" --dry-run <"$in"
out_is 'nothing was changed; it would be: 1 kept, 2 added, 2 removed'
is "$(cksum <"$segment")" "$before" "the pool after --dry-run"
run 0 "$ctl" set "$pool" <"$in"
out_is '1 kept, 2 added, 2 removed'
is "$(masks)" 'sk-…BBBB sk-…DDDD sk-…EEEE '
is "$(of_pool "$pool" keys 1 id)" "$kept"
is "$(of_pool "$pool" keys 1 status)" invalid
is "$(of_pool "$pool" keys 1 metadata label)" mine
run 0 "$ctl" set "$pool" <"$in"
out_is '3 kept, 0 added, 0 removed'

# From the environment.
variable=$(printf '%s_API_KEYS' "$pool" | tr 'a-z.-' 'A-Z__')
run 0 env "$variable=$(key BBBB),$(key FFFF)" "$ctl" set "$pool" --env --json
is "$(json kept) $(json added) $(json removed) $(json is_dry_run)" '1 1 2 false'
is "$(masks)" 'sk-…BBBB sk-…FFFF '

# Nothing is changed if anything is wrong, or if nothing is given.
feed '%s\n%s x\n' "$(key AAAA)" "$(key GGGG)"
refused 1 "$ctl" set "$pool" <"$in"
is "$(cat "$err")" 'keyshm-ctl: line 2: it has a space in it; nothing was changed'
feed '%s\n%s\n%s\n%s\n' "$(key AAAA)" "$(key BBBB)" "$(key CCCC)" "$(key DDDD)"
refused 1 "$ctl" set "$pool" <"$in"
is "$(cat "$err")" 'keyshm-ctl: line 4: the pool has no room for it: it was made for 3 keys; nothing was changed'
feed '# none yet\n'
refused 1 "$ctl" set "$pool" <"$in"
err_has '^keyshm-ctl: there are no keys on standard input'
refused 1 "$ctl" set "$pool" --env </dev/null
err_has "^keyshm-ctl: neither $variable nor \|^keyshm-ctl: neither ${variable%S} nor "
is "$(masks)" 'sk-…BBBB sk-…FFFF '
run 0 "$ctl" set "$pool" --allow-empty <"$in"
out_is '0 kept, 0 added, 2 removed'
holds 0

refused 2 "$ctl" set "$pool.none" <"$in"
