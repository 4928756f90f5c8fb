#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Groups: as a column of keys, as rows of their own, and in the events; and what benches a key.
. "$(dirname "$0")/lib.sh"

# group NAME: find or make it; prints its id.
group() {
    "$FIXTURE" group "$pool" "$1"
}

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

run 0 "$ctl" create "$pool"
add "$pool" AAAA BBBB CCCC DDDD EEEE
for slot in 0 1 2 3 4; do
    eval "id$slot=$(id_of "$pool" "$slot")"
done

# The table of a pool without groups is as wide as it was. --raw and the JSON do not depend on the pool.
plain='SLOT KEY STATUS COOLDOWN PAUSED PICKS ERRORS LAST USED'
is "$(headings)" "$plain"
run 0 "$stat" --groups "$pool"
out_is 'no groups'
run 0 "$stat" --groups --raw "$pool"
silent
run 0 "$stat" --groups --json "$pool"
is "$(json pools 0 groups)" 0
run 0 "$stat" --raw "$pool"
head -n 1 "$out" >"$tmp/raw"

acme=$(group acme)
research=$(group 'research ü')
trial=$(group trial)
# shellcheck disable=SC2154
{
    run 0 "$FIXTURE" set-group "$pool" "$id0" "$acme"
    run 0 "$FIXTURE" set-group "$pool" "$id1" "$acme"
    run 0 "$FIXTURE" set-group "$pool" "$id2" "$research"
    run 0 "$FIXTURE" set-group "$pool" "$id3" "$trial"
}
grouped='SLOT KEY GROUP STATUS COOLDOWN BENCHED BY PICKS ERRORS LAST USED'
is "$(headings)" "$grouped"
is "$(headings -o +PAUSED)" 'SLOT KEY GROUP STATUS COOLDOWN PAUSED BENCHED BY PICKS ERRORS LAST USED' "it was asked for"
is "$(headings --ids)" "$grouped ID"
run 0 "$stat" --raw "$pool"
is "$(head -n 1 "$out")" "$(cat "$tmp/raw")" "the headings of --raw"
run 0 "$ctl" create "$pool.plain"
add "$pool.plain" AAAA
run 0 "$stat" "$pool.plain" "$pool"
is "$(grep '^ *SLOT' "$out" | tr -s ' ' | sed 's/^ //; s/ $//')" "$plain
$grouped" "each pool has the columns that it needs"
is "$(headings -o group,slot)" 'GROUP SLOT'
run 0 "$stat" "$pool.plain" -o slot,group,benched-by
is "$(sed -n 2p "$out" | tr -s ' ')" 'SLOT GROUP BENCHED BY' "asked for, though the pool has none"

# What benches a key: each of the causes, and several at once.
run 0 "$FIXTURE" mark "$pool" "$id0" 0 group rate_limited rate_limit 7260000
run 0 "$FIXTURE" mark "$pool" "$id1" 0 key invalid billing -
run 0 "$FIXTURE" pause "$pool" "$research"
run 0 "$FIXTURE" pause "$pool" "$id2"
run 0 "$FIXTURE" pause "$pool" "$trial"
run 0 "$FIXTURE" pause "$pool" "$id4"
is "$(rows -o slot,group,status,benched-by,reason)" '0 acme rate_limited group rate_limit
1 acme invalid key,group billing
2 research\x20\xc3\xbc available pause,group_pause -
3 trial available group_pause -
4 - available pause -'
run 0 "$stat" "$pool"
out_has "^$pool: 5/1024 keys, 0 available, 1 rate_limited, 0 quota_exceeded, 1 invalid, 3 paused, age "
sed -E -e "s/$pool/POOL/g; s/age [0-9.]+s,/age AGE,/; s/2h 0[01]m/LEFT/; s/ +/ /g; s/ \$//" "$out" >"$tmp/table"
diff -u "$here/golden/groups.txt" "$tmp/table" >&2 || fail "not as in golden/groups.txt"
run 0 "$stat" --json "$pool"
is "$(json pools 0 group_count) $(json pools 0 keys 0 group) $(json pools 0 keys 2 group)" '3 acme research ü'
is "$(json pools 0 keys 4 group)" ''
is "$(json pools 0 keys 1 benched_by) $(json pools 0 keys 1 benched_by 0) $(json pools 0 keys 1 benched_by 1)" '2 key group'
run 0 "$FIXTURE" mark "$pool" "$id0" 0 group available none -
is "$(rows -o benched-by --key '*AAAA')" - "a key that can be picked"
run 0 "$FIXTURE" mark "$pool" "$id0" 0 group quota_exceeded quota -

# In order of these columns, and only the keys of some groups.
is "$(rows -o slot -s group | tr '\n' ' ')" '4 0 1 2 3 '
is "$(rows -o slot -s -benched-by | tr '\n' ' ')" '2 4 1 3 0 '
is "$(rows -o slot --group acme | tr '\n' ' ')" '0 1 '
is "$(rows -o slot --group '*r*' --status available | tr '\n' ' ')" '2 3 '
is "$(rows -o slot --group '' | tr '\n' ' ')" '4 ' "those of no group"
is "$(rows -o slot --group ACME)" ''
run 0 "$stat" --json "$pool" --group trial
is "$(json pools 0 keys) $(json pools 0 count)" '1 5' "the pool's object is of all keys"

# A table of the groups.
run 0 "$stat" --groups "$pool"
is "$(tr -s ' ' <"$out" | sed 's/ $//')" 'GROUP KEYS AVAILABLE STATUS COOLDOWN BENCHED BY REASON PICKS LIMITED QUOTA INVALID
acme 2 0 quota_exceeded until marked group quota 0 1 1 0
research ü 1 0 available - pause - 0 0 0 0
trial 1 0 available - pause - 0 0 0 0'
is "$(rows --groups -o group,id --group trial)" "trial $trial"
is "$(rows --groups -o group --sort -group | tr '\n' ' ')" 'trial research\x20\xc3\xbc acme '
is "$(rows --groups -o group --status quota_exceeded)" acme
run 0 "$stat" --groups --ids --raw "$pool"
is "$(head -n 1 "$out")" 'GROUP KEYS AVAILABLE STATUS COOLDOWN BENCHED\x20BY REASON PICKS LIMITED QUOTA INVALID ID'
run 0 "$stat" --groups --json "$pool"
is "$(json pools 0 groups)" 3
is "$(json pools 0 groups 0)" \
    'name key_count available_count status cooldown_left_ms benched_by reason is_probing streak is_paused in_flight in_flight_cap requests_left requests_burst tokens_left tokens_burst picks id marked '
is "$(json pools 0 groups 1 name) $(json pools 0 groups 1 id) $(json pools 0 groups 1 is_paused)" "research ü $research true"
is "$(json pools 0 groups 0 marked rate_limited) $(json pools 0 groups 0 marked available)" '1 1'
run 0 "$stat" --groups "$pool.plain" "$pool" --raw -o pool,group
is "$(sed -n 2p "$out")" "$pool acme"
refused 2 "$stat" --groups "$pool.none"

# How many of its keys can be picked, and how often they were.
run 0 "$FIXTURE" mark "$pool" "$acme" 0 group available none -
is "$(rows --groups -o keys,available,picks --group acme)" '2 1 0'
run 0 "$ctl" next "$pool"
run 0 "$ctl" next "$pool"
is "$(rows --groups -o keys,available,picks --group acme)" '2 1 2'

# A mark of a group is one event, with the group's name.
run 0 "$stat" --events "$pool" --raw --noheadings -o kind,key,scope,id,to,reason --status rate_limited
out_is "marked acme group $acme rate_limited rate_limit"
run 0 "$stat" --events --raw --noheadings -o kind,key,group --group trial "$pool"
out_is 'paused trial trial'
run 0 "$stat" --events --raw --noheadings -o kind,scope,group "$pool"
is "$(grep -c '^settings key -$' "$out")" 4 "keys that were put in a group"
run 0 "$stat" --events --json "$pool" --status rate_limited
is "$(json pools 0 events 0 scope) $(json pools 0 events 0 group) $(json pools 0 events 0 masked_key)" 'group acme '
run 0 "$ctl" policy "$pool" cooldown=5
run 0 "$stat" --events --raw --noheadings -o kind,scope "$pool"
is "$(tail -n 1 "$out")" 'settings -' "about neither"
# Of a group that was removed, the id is left.
run 0 "$FIXTURE" set-group "$pool" "$id3" 0
run 0 "$FIXTURE" remove-group "$pool" "$trial"
run 0 "$stat" --events --raw --noheadings -o kind,key,scope,id "$pool"
out_has "^paused - group $trial$"
is "$(rows --groups -o group | tr '\n' ' ')" 'acme research\x20\xc3\xbc '
is "$(rows -o group,benched-by --key '*DDDD')" '- -'
