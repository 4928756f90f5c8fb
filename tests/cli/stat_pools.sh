#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"
apart_from_other_pools

run 0 "$ctl" create "$pool" --capacity 9
add "$pool" AAAA BBBB CCCC DDDD EEEE
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 1)" rate_limited --retry-after 9000
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 2)" quota_exceeded
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 3)" invalid
run 0 "$ctl" pause "$pool" "$(id_of "$pool" 4)"
run 0 "$ctl" pause "$pool" "$(id_of "$pool" 3)"
run 0 "$ctl" create "$pool.other" --provider-rules openai

# A line for each pool, in one table, and the pool's name also when there is only one.
run 0 "$stat" --pools "$pool" "$pool.other"
tr -s ' ' <"$out" | sed -E "s/^$pool/NAME/; s/[0-9.]+s /AGO /" >"$tmp/table"
is "$(cat "$tmp/table")" 'POOL KEYS CAPACITY AVAILABLE LIMITED QUOTA INVALID PAUSED AGE RECOVERIES
NAME 5 9 1 1 1 1 2 AGO 0
NAME.other 0 1024 0 0 0 0 0 AGO 0'
run 0 "$stat" --pools --raw --noheadings "$pool"
is "$(cut -d ' ' -f 1-8 "$out")" "$pool 5 9 1 1 1 1 2"
run 0 "$stat" --pools
out_has "^$pool.other "
refused 2 "$stat" --pools "$pool.none"
run 2 "$stat" --pools --noheadings "$pool.none" "$pool"
is "$(wc -l <"$out")" 1

# Columns, order and look, as of every listing.
run 0 "$stat" --pools --raw --noheadings -o pool,statuses "$pool"
out_is "$pool available=2,rate_limited=1,quota_exceeded=1,invalid=1"
run 0 "$stat" --pools --raw --noheadings -o keys,key-max,cooldown,cooldown_max,creator,holder-pid,holder-state,held --exact "$pool"
out_is '5 512 60000 86400000 keyshm-ctl 0 - -1'
run 0 "$stat" --pools --raw --noheadings -o rules --sort pool "$pool" "$pool.other"
is "$(tr '\n' , <"$out")" "$pool,openai,"
for order in capacity -keys -pool; do
    run 0 "$stat" --pools --raw --noheadings -o capacity --sort "$order" "$pool.other" "$pool"
    case $order in
    -pool) is "$(tr '\n' , <"$out")" 1024,9, ;;
    *) is "$(tr '\n' , <"$out")" 9,1024, "--sort $order" ;;
    esac
done
created=$(of_pool "$pool" created_unix_ms)
run 0 "$stat" --pools --raw --noheadings -o created --exact "$pool"
out_is "$created"
run 0 env TZ=UTC "$stat" --pools --raw --noheadings -o created "$pool"
out_is "$(TZ=UTC date -d "@$((created / 1000))" +%FT%T).$(printf %03d $((created % 1000)))+00:00"

# In the JSON, the pool's object as it is with its keys, but without them.
run 0 "$stat" --json "$pool"
with_keys=$(json pools 0)
run 0 "$stat" --pools --json "$pool" "$pool.other"
is "$(json) $(json schema)" 'schema pools  1'
is "$(json pools)" 2
is "$(json pools 0)keys " "$with_keys"
is "$(json pools 0 provider)" "$pool"
is "$(json pools 0 count)" 5
is "$(json pools 0 status_count invalid)" 1
is "$(json pools 1 provider)" "$pool.other"
run 0 "$stat" --pools --json -o pool,available --sort=-pool "$pool" "$pool.other"
is "$(json pools 0)" 'provider available_count '
is "$(json pools 0 provider)" "$pool.other"
is "$(json pools 1 available_count)" 1
