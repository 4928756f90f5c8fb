#!/bin/sh
# SPDX-License-Identifier: MIT
#
# --watch with the formats for programs.
. "$(dirname "$0")/lib.sh"

run 0 "$ctl" create "$pool"
add "$pool" AAAA

run 0 "$stat" --watch=0.1 --json -n 3 "$pool"
is "$(wc -l <"$out")" 3 "an object a line"
while IFS= read -r line; do
    is "$(printf '%s' "$line" | "$JSON_GET" pools 0 keys 0 slot)" 0
done <"$out"
run 0 "$stat" -w0.1 --raw --noheadings -o slot -n 2 "$pool"
out_is '0
0'
run 0 "$stat" -w0.1 --openmetrics -n 2 "$pool"
is "$(grep -c '^# EOF$' "$out")" 2

# A missing pool is reported each time, and does not end it.
run 2 "$stat" -w0.1 --json -n 2 "$pool.none"
is "$(cat "$out")" '{"schema":1,"pools":[]}
{"schema":1,"pools":[]}'
is "$(wc -l <"$err")" 2

# Each document is written at once, and a signal ends it between two: the output is complete.
for signal in INT TERM HUP; do
    : >"$tmp/documents"
    # A shell makes its background commands ignore SIGINT.
    env --default-signal=INT "$stat" --watch=0.1 --json "$pool" >"$tmp/documents" 2>"$err" &
    repeater=$!
    helpers="$helpers $repeater"
    tries=0
    until [ "$(wc -l <"$tmp/documents")" -ge 2 ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 6000 ] || fail "no second document"
        sleep 0.1
    done
    kill "-$signal" "$repeater"
    wait "$repeater" || fail "it did not end properly on $signal"
    is "$(tail -n 1 "$tmp/documents" | "$JSON_GET" schema)" 1
done

# The reader has gone.
mkfifo "$tmp/pipe"
"$stat" --watch=3600 --json "$pool" >"$tmp/pipe" 2>"$err" &
repeater=$!
helpers="$helpers $repeater"
head -c 5 "$tmp/pipe" >"$out"
wait "$repeater" || fail "it fails after the reader closed the pipe"
[ ! -s "$err" ] || fail "an error message after the reader closed the pipe"
exec 3<>"$tmp/pipe"
exec 4>"$tmp/pipe"
exec 3<&-
"$stat" -w0.1 --json "$pool" >&4 2>"$err" || fail "it fails on a pipe without a reader"
[ ! -s "$err" ] || fail "an error message for a pipe without a reader"
status=0
"$stat" -w0.1 --json "$pool" >/dev/full 2>"$err" || status=$?
is "$status" 1 "the exit status when the output cannot be written"
err_has 'cannot write'
