#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Leases: who holds what, since when.
. "$(dirname "$0")/lib.sh"

# hold COUNT MODEL TOKENS: a process that holds so many leases. $holder is its pid.
hold() {
    rm -f "$tmp/held"
    "$FIXTURE" lease "$pool" "$@" >"$tmp/held" &
    holder=$!
    helpers="$helpers $holder"
    until [ -s "$tmp/held" ]; do
        kill -0 "$holder" 2>/dev/null || fail "it ended before it held anything"
        sleep 0.01
    done
}

# rows [ARGUMENT]...: print what --raw has, without headings.
rows() {
    run 0 "$stat" --leases --raw --noheadings "$pool" "$@"
    cat "$out"
}

run 0 "$ctl" create "$pool"
add "$pool" AAAA BBBB
id0=$(id_of "$pool" 0)
id1=$(id_of "$pool" 1)
run 0 "$stat" --leases "$pool"
out_is 'no leases'
hold 2 0 5
run 0 "$stat" --leases --raw "$pool"
silent # without a cap they have no place
group=$("$FIXTURE" group "$pool" acme)
model=$("$FIXTURE" model "$pool" large)
run 0 "$FIXTURE" set-group "$pool" "$id1" "$group"
run 0 "$FIXTURE" limit "$pool" 0 0 in_flight 2 0 0
run 0 "$FIXTURE" limit "$pool" "$group" 0 tokens 1000 60000 500
hold 2 "$model" 70
first=$holder
hold 1 0 0
second=$holder

# The oldest come first.
run 0 "$stat" --leases "$pool"
is "$(head -n 1 "$out" | tr -s ' ' | sed 's/^ //; s/ $//')" 'KEY GROUP MODEL PID NAME HELD TOKENS'
is "$(tail -n +2 "$out" | sed -E 's/ [0-9.]+s / AGO /; s/ +/ /g; s/ $//' | head -n 2 | LC_ALL=C sort)" \
    "sk-…AAAA - large $first cli-fixture AGO 0
sk-…BBBB acme large $first cli-fixture AGO 70"
is "$(rows -o pid | tr '\n' ' ')" "$first $first $second "
is "$(rows -o pid,name,tokens --group acme | head -n 1)" "$first cli-fixture 70"
is "$(rows -o pid --key '*AAAA' | head -n 1)" "$first"
is "$(rows -o tokens --sort -tokens | head -n 1)" 70
run 0 "$stat" --leases --ids --raw "$pool"
is "$(head -n 1 "$out")" 'KEY PID NAME HELD TOKENS ID'
out_has " $id0$"
run 0 "$stat" --leases --json "$pool"
is "$(json pools 0 leases)" 3
is "$(json pools 0 leases 0)" 'masked_key group model pid name held_ms tokens id '
is "$(json pools 0 leases 2 pid) $(json pools 0 leases 2 model) $(json pools 0 leases 0 model)" "$second  large"
refused 2 "$stat" --leases "$pool.none"

# That of a worker that has died is there until somebody gives it back; then its key may be gone, too.
kill -KILL "$second"
wait "$second" || true
is "$(rows -o pid | tail -n 1)" "$second"
run 0 "$ctl" create "$pool.other"
run 0 "$stat" --leases --raw --noheadings -o pool,pid "$pool.other" "$pool"
is "$(head -n 1 "$out")" "$pool $first"
run 0 "$ctl" remove "$pool" "$id0"
run 0 "$ctl" remove "$pool" "$id1"
run 0 "$stat" --leases --raw "$pool"
silent
