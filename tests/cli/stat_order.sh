#!/bin/sh
# SPDX-License-Identifier: MIT
#
# --sort, --status and --key.
. "$(dirname "$0")/lib.sh"

run 0 "$ctl" create "$pool"
add "$pool" AAAA BBBB CCCC DDDD EEEE
# mark SLOT ARGUMENT...
mark() {
    slot=$1
    shift
    run 0 "$ctl" mark "$pool" "$(id_of "$pool" "$slot")" "$@"
}
for _ in 1 2 3 4 5 6 7; do
    run 0 "$ctl" next "$pool"
done
mark 0 invalid
mark 1 rate_limited --retry-after 900
mark 2 rate_limited --retry-after 1000
mark 4 quota_exceeded --retry-after 99
for _ in 1 2 3; do
    run 0 "$ctl" next "$pool"
done

# slots ARGUMENT...: print the slots in the order shown, which must be the same in every format.
slots() {
    run 0 "$stat" "$pool" --raw --noheadings -o slot "$@"
    tr '\n' ' ' <"$out" >"$tmp/slots"
    run 0 "$stat" "$pool" --noheadings -o slot "$@"
    is "$(sed 1d "$out" | tr -s ' \n' ' ' | sed 's/^ //')" "$(cat "$tmp/slots")" "the table, $*"
    run 0 "$stat" "$pool" --json "$@"
    is "$(grep -o '"slot":[0-9]*' "$out" | cut -d : -f 2 | tr '\n' ' ')" "$(cat "$tmp/slots")" "the JSON, $*"
    run 0 "$stat" "$pool" --json -w0.1 -n 1 "$@"
    is "$(grep -o '"slot":[0-9]*' "$out" | cut -d : -f 2 | tr '\n' ' ')" "$(cat "$tmp/slots")" "a line of JSON, $*"
    cat "$tmp/slots"
}

is "$(slots)" '0 1 2 3 4 '
is "$(slots -s slot)" '0 1 2 3 4 '
is "$(slots -s -slot)" '4 3 2 1 0 '
is "$(slots --sort picks)" '2 4 0 1 3 ' "as numbers; what is equal by its slot"
is "$(slots --sort=-picks)" '3 0 1 2 4 ' "what is equal still by its slot"
is "$(slots -s cooldown)" '3 4 1 2 0 ' "as numbers, and what waits to be marked last"
is "$(slots -s -COOLDOWN)" '0 2 1 4 3 '
is "$(slots -s status)" '3 1 2 4 0 ' "as statuses rank"
is "$(slots -s -key)" '4 3 2 1 0 '
is "$(slots -s id)" '0 1 2 3 4 '
is "$(slots -s limited)" '0 3 4 1 2 ' "a column that is not shown"
run 0 "$ctl" create "$pool.new"
add "$pool.new" AAAA BBBB
run 0 "$ctl" next "$pool.new"
run 0 "$stat" "$pool.new" --raw --noheadings -o slot -s last-used
is "$(tr '\n' ' ' <"$out")" '0 1 ' "never is longer ago than any time"

is "$(slots --status invalid)" '0 '
is "$(slots --status rate_limited,quota_exceeded)" '1 2 4 '
is "$(slots --status rate_limited --status available)" '1 2 3 '
is "$(slots --status available --status invalid -s -slot)" '3 0 '
is "$(slots --key '*BBBB')" '1 '
is "$(slots --key '*[AD]')" '0 3 '
is "$(slots --key 'sk-?BBBB')" '1 ' "the ellipsis is one character"
is "$(slots --key '*BBBB' --status invalid)" ''
is "$(slots --key "*$secret*")" '' "what is not shown cannot be asked for"
is "$(slots --key 'sk-T*')" ''

# The pool's line counts all keys.
run 0 "$stat" "$pool" --status invalid
out_has "^$pool: 5/1024 keys, 1 available, 2 rate_limited, "
is "$(of_pool "$pool" count)" 5

# With OpenMetrics, and with events.
run 0 "$stat" "$pool" --openmetrics --status invalid
is "$(grep -c '^keyshm_key_picks_total{' "$out")" 1
out_has '^keyshm_pool_keys{pool="[^"]*",status="rate_limited"} 2$'
run 0 "$stat" "$pool" --events --raw --noheadings -o key,to --status quota_exceeded
out_is 'sk-\xe2\x80\xa6EEEE quota_exceeded'
run 0 "$stat" "$pool" --events --raw --noheadings -o to --key '*AAAA' -s -time
is "$(tr '\n' ' ' <"$out")" 'invalid available '
