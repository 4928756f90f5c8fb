#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"
apart_from_other_pools

# Those that have detached are told from those that were killed.
run 0 "$ctl" create "$pool"
run 0 "$stat" --workers --raw --noheadings -o name,state "$pool"
out_is 'keyshm-ctl closed'

keep hold "$pool"
dead=$holder
kill -KILL "$holder"
wait "$holder" || true
keep hold "$pool"

run 0 "$stat" --workers "$pool"
sed -E "s/^ *[0-9]+ /PID /; s/[0-9.]+s ago/AGO/; s/ +/ /g; s/^ //; s/ \$//" "$out" >"$tmp/table"
diff -u "$here/golden/workers.txt" "$tmp/table" >&2 || fail "not as in golden/workers.txt"

run 0 "$stat" --workers --json "$pool"
is "$(json pools 0)" 'provider worker_capacity unlisted workers '
is "$(json pools 0 worker_capacity)" 256
is "$(json pools 0 unlisted)" 0
is "$(json pools 0 workers)" 3
is "$(json pools 0 workers 0)" 'pid name state picks attached_ago_ms '
is "$(json pools 0 workers 0 pid)" "$holder" "the living come first"
is "$(json pools 0 workers 0 name)" cli-fixture
is "$(json pools 0 workers 0 state)" sleeping
is "$(json pools 0 workers 0 picks)" 0
is "$(json pools 0 workers 1 pid)" "$dead"
is "$(json pools 0 workers 1 state)" dead
is "$(json pools 0 workers 2 state)" closed

stop "$holder"
run 0 "$stat" --workers --raw --noheadings -o state,pid "$pool"
is "$(head -n 2 "$out")" "stopped $holder
dead $dead"
run 0 "$stat" --workers --raw --noheadings -o state -s state "$pool"
is "$(tr '\n' , <"$out")" 'closed,dead,stopped,'
run 0 "$stat" --workers --color=always "$pool"
out_has "$(printf '\033')\\[33mstopped"
out_has "$(printf '\033')\\[31mdead"

# Of several pools, and of all pools.
run 0 "$ctl" create "$pool.other"
keep hold "$pool.other"
run 0 "$stat" --workers --raw --noheadings "$pool" "$pool.other" -o +pool
is "$(cut -d ' ' -f 1,4 "$out" | tr '\n' ,)" "$pool stopped,$pool.other sleeping,$pool dead,$pool closed,$pool.other closed,"
run 0 "$stat" --workers
out_has "^$pool.other *$holder cli-fixture sleeping"
refused 2 "$stat" --workers "$pool.none"

# In another PID namespace it is not known.
if unshare --pid --fork --mount-proc true 2>/dev/null; then
    run 0 unshare --pid --fork --mount-proc "$stat" --workers --raw --noheadings -o state "$pool.other"
    is "$(tr '\n' ' ' <"$out")" 'elsewhere closed '
fi
