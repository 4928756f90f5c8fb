#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

# Pauses and reasons, of keys, of the pool and in the events.
run 0 "$ctl" create "$pool"
add "$pool" AAAA BBBB
id=$(id_of "$pool" 0)
run 0 "$stat" "$pool"
! grep -q ' paused' "$out" || fail "no key is paused"
run 0 "$ctl" pause "$pool" "$id"
run 0 "$ctl" mark "$pool" "$id" invalid --reason permission
run 0 "$ctl" policy "$pool" cooldown=5

run 0 "$stat" "$pool"
out_has "^$pool: 2/1024 keys, 1 available, .* 1 invalid, 1 paused, age "
out_has ' invalid  *until marked paused '
run 0 "$stat" --raw --noheadings -o paused,reason "$pool"
out_is 'paused permission
- -'
is "$(of_pool "$pool" paused_count) $(of_pool "$pool" cooldown_max_ms)" '1 86400000'
is "$(of_pool "$pool" keys 0 is_paused) $(of_pool "$pool" keys 1 is_paused)" 'true false'
is "$(of_pool "$pool" keys 0 reason) $(of_pool "$pool" keys 1 reason)" 'permission none'

run 0 "$stat" --events --raw --noheadings -o kind,reason "$pool"
is "$(tr '\n' , <"$out")" 'added -,added -,paused operator,marked permission,settings -,'
run 0 "$stat" --events --raw --noheadings -o number "$pool"
is "$(sort -u "$out" | wc -l)" 5 "numbers"
cp "$out" "$tmp/numbers"
run 0 "$stat" --events --raw --noheadings --exact -o number,time "$pool"
cp "$out" "$tmp/times"
run 0 "$stat" --events --raw --noheadings --exact -o number,time "$pool"
cmp "$out" "$tmp/times" || fail "an event has another time than before"
