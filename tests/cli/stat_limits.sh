#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Limits: what is left of them as columns of keys and groups, and themselves as rows.
. "$(dirname "$0")/lib.sh"

# Nothing drains in the time of this test.
year=31622400000

# rows [ARGUMENT]...: print what --raw has, without headings.
rows() {
    run 0 "$stat" --raw --noheadings "$pool" "$@"
    cat "$out"
}

# headings [ARGUMENT]...: print those of the table of keys.
headings() {
    run 0 "$stat" "$pool" "$@"
    sed -n 2p "$out" | tr -s ' ' | sed 's/^ //; s/ $//'
}

# limit ID MODEL LIMIT AMOUNT [MS [BURST]]
limit() {
    run 0 "$FIXTURE" limit "$pool" "$1" "$2" "$3" "$4" "${5:-0}" "${6:-0}"
}

run 0 "$ctl" create "$pool"
add "$pool" AAAA BBBB CCCC DDDD
for slot in 0 1 2 3; do
    eval "id$slot=$(id_of "$pool" "$slot")"
done
run 0 "$stat" --limits "$pool"
out_is 'no limits'
run 0 "$stat" --limits --json "$pool"
is "$(json pools 0 limits)" 0
is "$(json pools 0 provider)" "$pool"

# The table has the columns that its pool has a use for.
is "$(headings)" 'SLOT KEY STATUS COOLDOWN PAUSED PICKS ERRORS LAST USED'
limit 0 0 requests 100 $year 5
is "$(headings)" 'SLOT KEY STATUS COOLDOWN BENCHED BY REQUESTS LEFT PICKS ERRORS LAST USED'
run 0 "$stat" --raw "$pool"
is "$(head -n 1 "$out")" 'SLOT KEY STATUS COOLDOWN PAUSED PICKS ERRORS LAST\x20USED' "the headings of --raw"
group=$("$FIXTURE" group "$pool" acme)
model=$("$FIXTURE" model "$pool" large)
# shellcheck disable=SC2154
{
    run 0 "$FIXTURE" set-group "$pool" "$id0" "$group"
    limit "$group" 0 tokens 1000 $year 600
    limit "$group" 0 in_flight 2
    limit "$id1" 0 in_flight 1
    limit "$id1" 0 requests_long 3 $year 1
    limit "$id2" "$model" tokens_long 90 1000 15
    limit "$id3" 0 requests 0
}
is "$(headings)" \
    'SLOT KEY GROUP STATUS COOLDOWN BENCHED BY IN FLIGHT REQUESTS LEFT TOKENS LEFT PICKS ERRORS LAST USED'

# What is left, and what benches a key of which nothing is: it keeps its status.
run 0 "$ctl" exec "$pool" --env KEY -- true
run 0 "$FIXTURE" pause "$pool" "$id0"
"$FIXTURE" lease "$pool" 1 0 100 >"$tmp/held" &
helpers="$helpers $!"
until [ -s "$tmp/held" ]; do
    sleep 0.01
done
columns=slot,status,benched-by,in-flight,cap,requests-left,requests-burst,tokens-left,tokens-burst
is "$(rows -o $columns)" '0 available pause 0 0 4 5 600 600
1 available budget,cap 1 1 0 1 - -
2 available - 0 0 5 5 - -
3 available - 0 0 - - - -'
is "$(rows -o $columns --exact | head -n 2)" '0 available pause 0 0 4 5 600 600
1 available budget,cap 1 1 0 1 -1 -1'
is "$(rows -o slot --sort requests-left | tr '\n' ' ')" '1 0 2 3 ' "what has no limit comes last"
run 0 "$stat" --json "$pool"
is "$(json pools 0 keys 1 requests_left) $(json pools 0 keys 1 requests_burst) $(json pools 0 keys 1 tokens_left)" '0 1 -1'
is "$(json pools 0 keys 1 in_flight) $(json pools 0 keys 1 in_flight_cap)" '1 1'
is "$(json pools 0 keys 1 benched_by) $(json pools 0 keys 1 benched_by 0)" '2 budget'
is "$(json pools 0 available_count)" 2
run 0 "$stat" --model large "$pool" --raw --noheadings -o slot,tokens-left
is "$(sed -n 3p "$out")" '2 15' "of a model"
run 0 "$stat" --groups "$pool"
is "$(tr -s ' ' <"$out" | sed 's/ $//')" \
    'GROUP KEYS AVAILABLE STATUS COOLDOWN BENCHED BY REASON IN FLIGHT REQUESTS LEFT TOKENS LEFT PICKS LIMITED QUOTA INVALID
acme 1 0 available - - - 0 - 600 1 0 0 0'
run 0 "$stat" --groups --json "$pool"
is "$(json pools 0 groups 0 in_flight_cap) $(json pools 0 groups 0 tokens_burst) $(json pools 0 groups 0 requests_left)" '2 600 -1'

# Themselves: those of the keys in general, of groups, and of the keys that have others.
run 0 "$stat" --limits "$pool"
sed -E 's/ +/ /g; s/ $//' "$out" >"$tmp/table"
diff -u "$here/golden/limits.txt" "$tmp/table" >&2 || fail "not as in golden/limits.txt"
is "$(rows --limits -o scope,limit,per --exact --group acme | tr '\n' ,)" "group tokens $year,group in_flight -1,"
is "$(rows --limits -o limit --key '*DDDD')" none
is "$(rows --limits -o amount --sort -amount | head -n 2 | tr '\n' ' ')" '- 1000 '
run 0 "$stat" --limits --ids --raw --noheadings "$pool" -o +scope
out_has "^key .* $id1$"
run 0 "$stat" --limits --json "$pool"
is "$(json pools 0 limits 0)" 'scope masked_key group model limit amount per_ms burst charge id '
is "$(json pools 0 limits 0 scope) $(json pools 0 limits 0 limit) $(json pools 0 limits 0 per_ms)" "pool requests $year"
is "$(json pools 0 limits 0 amount) $(json pools 0 limits 0 burst) $(json pools 0 limits 0 charge)" '100 5 at_pick'
is "$(json pools 0 limits 1 group) $(json pools 0 limits 1 charge) $(json pools 0 limits 2 burst)" 'acme at_release -1'
refused 2 "$stat" --limits "$pool.none"

# Without them it is as it was.
run 0 "$ctl" create "$pool.plain"
add "$pool.plain" AAAA
run 0 "$stat" --limits --raw --noheadings -o pool,limit "$pool.plain" "$pool"
is "$(head -n 1 "$out")" "$pool requests"
