#!/bin/sh
# SPDX-License-Identifier: MIT
#
# --output, --output-all, --ids, --raw, --noheadings, --exact, and the same columns in the JSON.
. "$(dirname "$0")/lib.sh"
apart_from_other_pools

run 0 "$ctl" create "$pool" --capacity 9
feed '%s\n%s\n' "$(key AAAA)" "$secret"
run 0 "$ctl" add "$pool" <"$in"
id=$(id_of "$pool" 0)
run 0 "$ctl" mark "$pool" "$id" rate_limited --retry-after 7260
run 0 "$ctl" mark "$pool" "$id" quota_exceeded
run 0 "$ctl" mark "$pool" "$id" invalid
run 0 "$ctl" mark "$pool" "$id" available
run 0 "$ctl" mark "$pool" "$id" rate_limited --retry-after 7260
run 0 "$FIXTURE" metadata "$pool" "$id" label 'team a'
run 0 "$FIXTURE" metadata "$pool" "$id" zone 'eu\1'

# headings [ARGUMENT]...: print the headings of the table.
headings() {
    run 0 "$stat" "$pool" "$@"
    sed -n 2p "$out" | tr -s ' ' | sed 's/^ //; s/ $//'
}

is "$(headings)" 'SLOT KEY STATUS COOLDOWN PAUSED PICKS ERRORS LAST USED'
is "$(headings --ids)" 'SLOT KEY STATUS COOLDOWN PAUSED PICKS ERRORS LAST USED ID'
is "$(headings -o PICKS,slot)" 'PICKS SLOT'
is "$(headings -o PICKS --ids)" 'PICKS ID'
is "$(headings --output=last-used,Last_Used,LABEL)" 'LAST USED LABEL' "once each"
is "$(headings -o +label,METADATA)" 'SLOT KEY STATUS COOLDOWN PAUSED PICKS ERRORS LAST USED LABEL METADATA'
is "$(headings -o label -o slot)" SLOT "the last one counts"
all='POOL OWNER SLOT KEY GROUP STATUS COOLDOWN PAUSED BENCHED BY REASON PROBE STREAK PRIORITY WEIGHT IN FLIGHT CAP REQUESTS LEFT REQUESTS BURST TOKENS LEFT TOKENS BURST PICKS ERRORS LAST USED ID MARKED METADATA LABEL AVAILABLE LIMITED QUOTA INVALID'
is "$(headings --output-all)" "$all"

run 0 "$stat" "$pool" --noheadings -o slot
out_has "^$pool: 2/9 keys"
is "$(sed 1d "$out" | tr -d ' ' | tr '\n' ,)" 0,1,

run 0 "$stat" "$pool" -o slot,label,metadata,marked,available,limited,quota,invalid
is "$(sed -n 3p "$out" | tr -s ' ')" \
    ' 0 team a label=team a,zone=eu\1 available=1,rate_limited=2,quota_exceeded=1,invalid=1 1 2 1 1'
is "$(sed -n 4p "$out" | tr -s ' ')" ' 1 - - available=0,rate_limited=0,quota_exceeded=0,invalid=0 0 0 0 0'

# One line per row and one word per cell.
run 0 "$stat" "$pool" --raw -o slot,key,status,label,metadata,last-used
out_is "SLOT KEY STATUS LABEL METADATA LAST\\x20USED
0 sk-\\xe2\\x80\\xa6AAAA rate_limited team\\x20a label=team\\x20a,zone=eu\\x5c1 never
1 \\xe2\\x80\\xa6 available - - never"
run 0 "$stat" "$pool" --raw --noheadings -o slot,id
out_is "0 $id
1 $((id + 1))"
run 0 "$stat" "$pool" --raw --output-all
is "$(awk '{ print NF }' "$out" | sort -u)" 31 "words a line"

# With several pools, or all of them, each line names its pool. The headings are printed once.
run 0 "$ctl" create "$pool.other"
add "$pool.other" BBBB
run 0 "$stat" --raw "$pool" "$pool.other"
is "$(cut -d ' ' -f 1-2 "$out" | tr '\n' ,)" "POOL SLOT,$pool 0,$pool 1,$pool.other 0,"
run 0 "$stat" --raw
out_has "^POOL SLOT "
out_has "^$pool.other 0 "
run 0 "$ctl" create "$pool.empty"
run 0 "$stat" --raw "$pool.empty"
out_is ""
run 0 "$stat" --raw "$pool.empty" "$pool.other"
is "$(wc -l <"$out")" 2

# Plain numbers.
run 0 "$stat" "$pool" --raw --noheadings -o cooldown,last-used --key '*AAAA' --exact
cooldown=$(cut -d ' ' -f 1 "$out")
{ [ "$cooldown" -gt 7100000 ] && [ "$cooldown" -le 7260000 ]; } || fail "'$cooldown' is not what is left in milliseconds"
is "$(cut -d ' ' -f 2 "$out")" -1
run 0 "$stat" "$pool" --raw --noheadings -o last-used,slot --bytes
is "$(head -n 1 "$out")" "-1 0"

# The JSON has what was asked for, and all it had without being asked.
run 0 "$stat" --json "$pool" -o slot,label,limited
is "$(json pools 0 keys 0)" 'slot label marked_rate_limited '
is "$(json pools 0 keys 0 label)" 'team a'
is "$(json pools 0 keys 0 marked_rate_limited)" 2
is "$(json pools 0 keys 1 label)" ''
is "$(json pools 0 capacity)" 9
run 0 "$stat" --json "$pool" -o +label
is "$(json pools 0 keys 0)" \
    'slot masked_key group status cooldown_left_ms is_paused benched_by reason is_probing streak priority weight in_flight in_flight_cap requests_left requests_burst tokens_left tokens_burst picks error_count last_used_ago_ms id marked metadata label '
run 0 "$stat" --json "$pool" --output-all
is "$(json pools 0 keys 0 provider)" "$pool"
is "$(json pools 0 keys 0 owner)" "$(id -un)"
is "$(json pools 0 keys 0 metadata zone)" 'eu\1'

# Every column, by its heading, is what the help says there is of it in the JSON.
run 0 "$FIXTURE" group "$pool" acme
run 0 "$FIXTURE" model "$pool" gpt-4o
for mode in '' --groups --models --events --workers --pools; do
    # shellcheck disable=SC2086
    run 0 "$stat" "$pool" $mode --raw --output-all
    for heading in $(head -n 1 "$out" | sed 's/\\x20/-/g'); do
        # shellcheck disable=SC2086
        run 0 "$stat" $mode --json "$pool" --output="$heading" --sort="-$heading"
    done
done

# A table is truncated to the width of a terminal, unless --notruncate is given; other output is not truncated.
on_terminal 60 "'$stat' '$pool' -o slot,marked,key"
[ "$(sed 1d "$out" | wc -L)" -le 60 ] || fail "a line that is too long for the terminal"
on_terminal 60 "'$stat' '$pool' --notruncate -o slot,marked,key"
out_has 'invalid=1'
run 0 env COLUMNS=60 "$stat" "$pool" -o slot,marked,key
out_has 'invalid=1'
