#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

run 0 "$ctl" create "$pool"
add "$pool" AAAA BBBB
id=$(id_of "$pool" 0)
other=$(id_of "$pool" 1)

# picked: the ids of three picks.
picked() {
    for _ in 1 2 3; do
        "$ctl" next "$pool" | cut -d ' ' -f 1
    done | sort -u | tr '\n' ' '
}

is "$(picked)" "$id $other "
for _ in 1 2; do
    run 0 "$ctl" pause "$pool" "$id"
    silent
done
is "$(picked)" "$other "

# Marks count when it is resumed; they do not let it in, and say so.
for status in rate_limited available; do
    run 0 "$ctl" mark "$pool" "$id" "$status"
    is "$(cat "$err")" "keyshm-ctl: pool $pool: the key with id $id stays paused; let it in again with: keyshm-ctl resume $pool $id"
done
run 0 "$ctl" mark "$pool" all available --status invalid
out_is 0
is "$(picked)" "$other "
run 0 "$ctl" mark "$pool" "$id" invalid --json
is "$(json is_paused) $(json status) $(json changed)" 'true invalid 1'
is "$(json benched_by) $(json benched_by 0) $(json benched_by 1)" '2 key pause'
run 0 "$ctl" resume "$pool" "$id" --json
is "$(json is_paused)" false
is "$(picked)" "$other "
run 0 "$ctl" resume "$pool" "$id"
is "$(cat "$err")" "keyshm-ctl: pool $pool: the key with id $id stays invalid; lift that with: keyshm-ctl mark $pool $id available"
run 0 "$ctl" mark "$pool" "$id" available
silent
is "$(picked)" "$id $other "
run 0 "$ctl" resume "$pool" "$id"
silent

refused 1 "$ctl" pause "$pool" 1
err_has 'no key has this id'
refused 2 "$ctl" resume "$pool.none" "$id"
