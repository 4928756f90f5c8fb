#!/bin/sh
# SPDX-License-Identifier: MIT
#
# priority and weight.
. "$(dirname "$0")/lib.sh"

run 0 "$ctl" create "$pool"
add "$pool" AAAA BBBB CCCC DDDD
first=$(id_of "$pool" 0)
second=$(id_of "$pool" 1)
third=$(id_of "$pool" 2)
run 0 "$ctl" group "$pool" org-a --put-in "$(id_of "$pool" 3)"
group=$(cut -d ' ' -f 1 "$out")

# order_is PRIORITY:WEIGHT...: those of the keys, as keyshm-stat shows them.
order_is() {
    "$stat" --raw --noheadings -o priority,weight "$pool" | tr ' \n' ': ' >"$tmp/order"
    is "$(cat "$tmp/order")" "$* "
}

# picked COUNT: how often each id is among so many picks.
picked() {
    for _ in $(seq "$1"); do
        "$ctl" next "$pool" | cut -d ' ' -f 1
    done | sort | uniq -c | awk '{ printf "%s:%s ", $2, $1 }'
}

order_is 0:1 0:1 0:1 0:1

# One key, by its id or its masked form, or several.
run 0 "$ctl" priority "$pool" "$first" 3
silent
run 0 "$ctl" weight "$pool" sk-...BBBB 15
silent
order_is 3:1 0:15 0:1 0:1
run 0 "$ctl" priority "$pool" "$second,$third,$second" 2 --json
is "$(json ids) $(json ids 0) $(json ids 1) $(json ids 2) $(json priority)" "3 $second $third $second 2"
run 0 "$ctl" --json weight "$pool" sk-…CCCC 4
is "$(json ids) $(json ids 0) $(json weight)" "1 $third 4"
order_is 3:1 2:15 2:4 0:1

# What they are for.
run 0 "$ctl" mark "$pool" invalid --group org-a
is "$(picked 38)" "$second:30 $third:8 "
run 0 "$ctl" mark "$pool" "$second" invalid
run 0 "$ctl" mark "$pool" "$third" invalid
is "$(picked 2)" "$first:2 "
run 0 "$ctl" mark "$pool" "$third" available
is "$(picked 2)" "$third:2 "
run 0 "$stat" --raw --noheadings -o slot,priority --sort=-priority "$pool"
is "$(head -n 1 "$out")" '0 3'
run 0 "$stat" --json "$pool"
is "$(json pools 0 keys 1 priority) $(json pools 0 keys 1 weight)" '2 15'

# All ids are checked before a key is changed.
for command in priority weight; do
    for id in "$first,1" "$first,$((second + 16777216))" 0 18446744073709551615; do
        refused 1 "$ctl" "$command" "$pool" "$id" 1
        is "$(cat "$err")" "keyshm-ctl: pool $pool: ${id#*,} is the id of no key, or it was removed; nothing was changed"
    done
    for id in "$group" "$first,$group"; do
        refused 1 "$ctl" "$command" "$pool" "$id" 1
        is "$(cat "$err")" "keyshm-ctl: pool $pool: $group is the id of a group, not of a key; nothing was changed"
    done
    refused 1 "$ctl" "$command" "$pool" sk-...EEEE 1
    err_has 'no key has the masked form that was given'
    refused 1 "$ctl" "$command" "$pool" "$(seq -s , 1025)" 1
    err_has "^keyshm-ctl: $command: ID must be up to 1024 ids of keys, as keyshm-stat --ids shows them, with commas between, or the masked"
    refused 2 "$ctl" "$command" "$pool.none" "$first" 1
done

# Values that they cannot have.
for value in 4 9 +1 1.0 0x1 '' ' 1' '1,' 4294967296 18446744073709551616; do
    refused 1 "$ctl" priority "$pool" "$first" "$value"
    err_has '^keyshm-ctl: priority: PRIORITY must be a number from 0 to 3'
done
for value in 0 16 4294967297 18446744073709551617 x; do
    refused 1 "$ctl" weight "$pool" "$first" "$value"
    err_has '^keyshm-ctl: weight: WEIGHT must be a number from 1 to 15'
done
order_is 3:1 2:15 2:4 0:1

# Both are a change of membership: while another process holds the mutex, they give up.
keep hold "$pool"
refused 1 "$ctl" priority "$pool" "$first" 0
err_has "^keyshm-ctl: pool $pool: .*; see which with: keyshm-stat $pool$"
kill -KILL "$holder"
wait "$holder" 2>/dev/null || true
order_is 3:1 2:15 2:4 0:1
for value in 0 3; do
    run 0 "$ctl" priority "$pool" "$first" "$value"
done
for value in 15 1; do
    run 0 "$ctl" weight "$pool" "$first" "$value"
done
order_is 3:1 2:15 2:4 0:1
run 0 "$ctl" verify "$pool"
