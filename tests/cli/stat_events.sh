#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

run 0 "$ctl" create "$pool" --capacity 400
run 0 "$stat" --events "$pool"
out_is 'no events'
run 0 "$stat" --events --raw "$pool"
silent
run 0 "$stat" --events --json "$pool"
is "$(json pools 0)" 'provider missing overwritten events '
is "$(json pools 0 events)" 0

before_s=$(date +%s)
add "$pool" AAAA BBBB
id=$(id_of "$pool" 0)
run 0 "$ctl" mark "$pool" "$id" rate_limited --retry-after 7260
run 0 "$ctl" mark "$pool" "$id" invalid
run 0 "$ctl" mark "$pool" "$id" rate_limited --retry-after 5
run 0 "$ctl" mark "$pool" "$id" available
run 0 "$ctl" remove "$pool" "$id"

run 0 "$stat" --events "$pool"
[ ! -s "$err" ] || fail "an unexpected message"
time='[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}[+-][0-9]{2}:[0-9]{2}'
sed -E "s/^$time/TIME/; s/ +[0-9]+ ([^ ]+ +[^ ]+) *$/ PID \1/; s/ +/ /g; s/ \$//" "$out" >"$tmp/table"
diff -u "$here/golden/events.txt" "$tmp/table" >&2 || fail "not as in golden/events.txt"

run 0 "$stat" --events --json "$pool"
is "$(json pools 0 events)" 7
is "$(json pools 0 events 0)" 'unix_us kind masked_key scope group model id from to duration_ms pid name dead_pid ago_ms reason number '
is "$(json pools 0 events 0 kind)" added
is "$(json pools 0 events 0 from)" null
is "$(json pools 0 events 2 kind)" marked
is "$(json pools 0 events 2 id)" "$id"
is "$(json pools 0 events 2 masked_key)" ''
is "$(json pools 0 events 1 masked_key)" sk-…BBBB
is "$(json pools 0 events 2 from)" available
is "$(json pools 0 events 2 to)" rate_limited
is "$(json pools 0 events 2 duration_ms)" 7260000
is "$(json pools 0 events 3 duration_ms)" -1
is "$(json pools 0 events 4 kind)" refused
is "$(json pools 0 events 6 kind)" removed
[ "$(json pools 0 events 0 unix_us)" -ge $((before_s * 1000000)) ] || fail "an event with a time before it happened"
[ "$(json pools 0 events 0 ago_ms)" -ge "$(json pools 0 events 6 ago_ms)" ] || fail "the oldest is not the first"

# Other columns.
run 0 "$stat" --events "$pool" --raw -o kind,for,to --status rate_limited
out_is 'KIND FOR TO
marked 2h\x2001m rate_limited
refused 5.0s rate_limited'
run 0 "$stat" --events "$pool" --raw --exact --noheadings -o for,time --status rate_limited
is "$(cut -d ' ' -f 1 "$out" | tr '\n' ,)" 7260000,5000,
is "$(cut -d ' ' -f 2 "$out" | wc -L)" 16 "digits of a time in microseconds"
run 0 "$stat" --events "$pool" --json -o kind,to
is "$(json pools 0 events 3)" 'kind to '
run 0 "$stat" --events "$pool" --output-all --noheadings
is "$(wc -l <"$out")" 7

# Of several pools, merged by time.
run 0 "$ctl" create "$pool.other"
add "$pool.other" CCCC
run 0 "$ctl" mark "$pool" "$((id + 1))" invalid
run 0 "$stat" --events "$pool.other" "$pool" --raw --noheadings -o +ago
is "$(cut -d ' ' -f 3 "$out" | tail -n 3 | tr '\n' ,)" "$pool,$pool.other,$pool,"
run 0 "$stat" --events --json "$pool.other" "$pool"
is "$(json pools)" 2
is "$(json pools 0 events)" 1
run 2 "$stat" --events "$pool.other" "$pool.none"
is "$(wc -l <"$out")" 2

# The process that died, and the one that caused the event, while their names are known.
run 0 "$FIXTURE" create "$pool.held" 1000
add "$pool.held" DDDD
keep hold "$pool.held"
kill -KILL "$holder"
wait "$holder" || true
add "$pool.held" EEEE
run 0 "$stat" --events --json "$pool.held" -o kind,dead
is "$(json pools 0 events 1 kind)" recovered
is "$(json pools 0 events 1 dead_pid)" "$holder"

# Lost events are reported on standard error and in the JSON.
run 0 "$ctl" create "$pool.many" --capacity 400
seq -f "sk-$secret-%020.0f" 300 >"$in"
run 0 "$ctl" add "$pool.many" <"$in"
run 0 "$stat" --events "$pool.many"
is "$(cat "$err")" "keyshm-stat: pool $pool.many: 44 older events are no longer kept"
is "$(wc -l <"$out")" 257
run 0 "$stat" --events --json "$pool.many"
[ ! -s "$err" ] || fail "a program finds it in the JSON"
is "$(json pools 0 overwritten)" 44
run 0 "$FIXTURE" tear "$pool.held"
run 0 "$stat" --events --raw "$pool.held"
err_has "^keyshm-stat: pool $pool.held: 1 events are missing: "
run 0 "$stat" --events --json "$pool.held"
is "$(json pools 0 missing)" 1

# Times are in the reader's time zone.
run 0 env TZ=UTC "$stat" --events --raw --noheadings -o time "$pool.other"
out_has '+00:00$'
run 0 env TZ=XXX-05:30 "$stat" --events --raw --noheadings -o time "$pool.other"
out_has '+05:30$'
run 0 env TZ=XXX+03:00 "$stat" --events --raw --noheadings -o time "$pool.other"
out_has '\-03:00$'
