#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

# group NAME [OPTION]...: the same command; $group is the id that it prints.
group() {
    run 0 "$ctl" group "$pool" "$@"
    [ ! -s "$err" ] || fail "an unexpected message"
    group=$(cut -d ' ' -f 1 "$out")
}

# has NAME COUNT: so many keys are in that group.
has() {
    run 0 "$ctl" group "$pool" "$1" --json
    is "$(json groups) $(json groups 0 name) $(json groups 0 key_count)" "1 $1 $2"
}

run 0 "$ctl" create "$pool" --groups-max 3
add "$pool" AAAA BBBB CCCC
first=$(id_of "$pool" 0)
second=$(id_of "$pool" 1)
third=$(id_of "$pool" 2)

# There are none; they are made by name, once; they are listed.
run 0 "$ctl" group "$pool"
silent
run 0 "$ctl" group "$pool" --json
is "$(json groups)" 0
group org-a
a=$group
out_is "$a org-a"
group 'org b / ünï'
b=$group
group org-a
is "$group" "$a"
run 0 "$ctl" group "$pool"
out_is "$a org-a
$b org b / ünï"
run 0 "$ctl" group "$pool" --json
is "$(json groups) $(json groups 1 id) $(json groups 1 name) $(json groups 1 key_count)" "2 $b org b / ünï 0"
is "$(json groups 1 status) $(json groups 1 cooldown_left_ms) $(json groups 1 reason) $(json groups 1 is_paused)" \
    'available 0 none false'

# Keys are put in, moved and taken out.
group org-a --put-in "$first" --put-in "$second,$third"
out_is "$a org-a"
has org-a 3
group 'org b / ünï' --put-in "$third"
has org-a 2
has 'org b / ünï' 1
group org-a --take-out "$first,$second"
has org-a 0
group org-a --put-in "$first"

# All ids are checked before a key is moved, or a group is made.
for option in "--put-in $second,$b" "--put-in $second,1" "--put-in $((second + 16777216))" "--take-out $first,$third"; do
    # shellcheck disable=SC2086
    refused 1 "$ctl" group "$pool" org-a $option
    err_has "^keyshm-ctl: pool $pool: [0-9]* is the id of .*; nothing was changed$"
done
has org-a 1
refused 1 "$ctl" group "$pool" org-c --put-in 1
err_has "^keyshm-ctl: pool $pool: 1 is the id of no key, or it was removed; nothing was changed$"
refused 1 "$ctl" group "$pool" org-c --take-out "$first"
is "$(cat "$err")" "keyshm-ctl: pool $pool: it has no group of that name; see those that it has with: keyshm-ctl group $pool"
run 0 "$ctl" group "$pool"
is "$(wc -l <"$out")" 2 "groups"

# New keys get one; those that are there stay where they are, which is said.
feed '%s\n%s\n%s\n' "$(key AAAA)" "$(key BBBB)" "$(key DDDD)"
before=$(cksum <"$segment")
run 0 "$ctl" add "$pool" --group org-d --dry-run <"$in"
err_has "^keyshm-ctl: pool $pool: 2 of these keys stay where they were, in another group or in none; put them in this one with: "
is "$(cksum <"$segment")" "$before" "the pool after --dry-run"
run 0 "$ctl" add "$pool" --group org-a <"$in"
err_has "^keyshm-ctl: pool $pool: 1 of these keys stay where they were, in another group or in none; put them in this one with: "
has org-a 2
run 0 "$ctl" add "$pool" --group org-a --json <"$in"
is "$(json added) $(json present) $(json elsewhere)" '0 3 1'
[ ! -s "$err" ] || fail "an unexpected message"
feed '%s\nx y\n' "$(key EEEE)"
refused 1 "$ctl" add "$pool" --group org-d <"$in"
is "$("$ctl" group "$pool" | wc -l)" 2 "groups after a list that is refused"

# A group is made of exactly the keys that are given; those of others stay.
feed '%s\n%s\n%s\n' "$(key DDDD)" "$(key EEEE)" "$(key CCCC)"
before=$(cksum <"$segment")
run 0 "$ctl" set "$pool" --group org-a --dry-run <"$in"
out_is 'nothing was changed; it would be: 2 kept, 1 added, 1 removed'
err_has "^keyshm-ctl: pool $pool: 1 of these keys stay where they were"
is "$(cksum <"$segment")" "$before" "the pool after --dry-run"
run 0 "$ctl" set "$pool" --group org-a <"$in"
out_is '2 kept, 1 added, 1 removed'
err_has "^keyshm-ctl: pool $pool: 1 of these keys stay where they were"
has org-a 2
has 'org b / ünï' 1
holds 4
run 0 "$ctl" set "$pool" --group org-a --json <"$in"
is "$(json kept) $(json added) $(json removed) $(json elsewhere)" '3 0 0 1'
feed '%s\n' "$(key FFFF)"
run 0 "$ctl" set "$pool" --group org-d --dry-run <"$in"
out_is 'nothing was changed; it would be: 0 kept, 1 added, 0 removed'
run 0 "$ctl" set "$pool" --group org-d <"$in"
out_is '0 kept, 1 added, 0 removed'
has org-d 1
feed '# none\n'
refused 1 "$ctl" set "$pool" --group org-d <"$in"
run 0 "$ctl" set "$pool" --group org-d --allow-empty <"$in"
out_is '0 kept, 0 added, 1 removed'
holds 4
run 0 "$ctl" create "$pool.small" --capacity 2
add "$pool.small" AAAA
feed '%s\n%s\n' "$(key BBBB)" "$(key CCCC)"
for dry in --dry-run ''; do
    # shellcheck disable=SC2086
    refused 1 "$ctl" set "$pool.small" --group org $dry <"$in"
    err_has "^keyshm-ctl: pool $pool.small: it is full; "
done
is "$(of_pool "$pool.small" count) $(of_pool "$pool.small" group_count)" '1 0' "the group that it would have made is gone"

# There are no more than the pool was made for.
for command in "group $pool org-e" "add $pool --group org-e"; do
    feed '%s\n' "$(key GGGG)"
    # shellcheck disable=SC2086
    refused 1 "$ctl" $command <"$in"
    is "$(cat "$err")" "keyshm-ctl: pool $pool: it has as many groups as it was made for, and none of that name; see them \
with: keyshm-ctl group $pool"
done
holds 4
run 0 "$ctl" create "$pool.none" --groups-max 0
refused 1 "$ctl" group "$pool.none" org

# One without keys is removed.
refused 1 "$ctl" group "$pool" org-a --delete
is "$(cat "$err")" "keyshm-ctl: pool $pool: keys are in that group; take them out with --take-out; see them with: keyshm-stat --ids $pool"
run 0 "$ctl" group "$pool" org-d --delete
silent
refused 1 "$ctl" group "$pool" org-d --delete
err_has 'it has no group of that name'
group org-e
run 0 "$ctl" group "$pool" org-e --delete --json
is "$(json groups)" 0

# It is marked and paused by its id or its name, and all its keys with it: then the third is the only one that is left.
group org-a --put-in "$second"
run 0 "$ctl" mark "$pool" "$group" rate_limited --retry-after 3600
silent
run 0 "$ctl" mark "$pool" available --group org-a
silent
run 0 "$ctl" mark "$pool" quota_exceeded --group org-a --reason billing --json
is "$(json id) $(json status) $(json reason) $(json changed) $(json benched_by)" "$group quota_exceeded billing 1 1"
is "$(json benched_by 0)" group
run 0 "$ctl" group "$pool" org-a --json
is "$(json groups 0 status) $(json groups 0 cooldown_left_ms) $(json groups 0 reason)" 'quota_exceeded -1 billing'
for _ in 1 2 3; do
    run 0 "$ctl" next "$pool"
    is "$(cut -d ' ' -f 1 "$out")" "$third"
done
run 0 "$ctl" mark "$pool" invalid --group org-a
silent
run 0 "$ctl" mark "$pool" rate_limited --group org-a
is "$(cat "$err")" "keyshm-ctl: pool $pool: that changed nothing: the group with id $group stays invalid"
run 0 "$ctl" mark "$pool" all available
out_is 0
run 0 "$ctl" mark "$pool" all available --status invalid
out_is 1
run 0 "$ctl" pause "$pool" --group org-a --json
is "$(json id) $(json is_paused)" "$group true"
run 0 "$ctl" pause "$pool" "$group"
silent
run 0 "$ctl" next "$pool"
is "$(cut -d ' ' -f 1 "$out")" "$third"
run 0 "$ctl" mark "$pool" "$third" invalid
refused 4 "$ctl" next "$pool"
run 0 "$ctl" resume "$pool" --group org-a
silent
run 0 "$ctl" next "$pool"
for command in 'mark invalid' pause resume; do
    # shellcheck disable=SC2086
    refused 1 "$ctl" ${command%% *} "$pool" ${command#"${command%% *}"} --group none
    err_has 'it has no group of that name'
done
run 0 "$ctl" --group org-a pause "$pool" # options may stand anywhere
run 0 "$ctl" resume "$pool" --group org-a

# A mark of a key with --scope group is one of its group; of one without a group, it is of the key.
run 0 "$ctl" mark "$pool" "$second" rate_limited --scope group
silent
run 0 "$ctl" group "$pool" org-a --json
is "$(json groups 0 status)" rate_limited
run 0 "$ctl" mark "$pool" "$second" rate_limited --scope group --retry-after 1
err_has "^keyshm-ctl: pool $pool: that changed nothing: the group with id $group stays rate_limited, for "

# What benches a key besides: its group, or a pause of it.
run 0 "$ctl" mark "$pool" "$second" available
is "$(sed 's/, for [^;]*;/, for TIME;/' "$err")" "keyshm-ctl: pool $pool: the key with id $second stays benched by its \
group, org-a, which is rate_limited, for TIME; lift that with: keyshm-ctl mark $pool $group available"
run 0 "$ctl" mark "$pool" "$second" invalid
err_has "^keyshm-ctl: pool $pool: the key with id .* stays benched by its group, org-a, which is rate_limited, for "
run 0 "$ctl" mark "$pool" "$second" available --json
is "$(json status) $(json benched_by 0) $(json benched_by)" 'rate_limited group 1'
run 0 "$ctl" mark "$pool" "$group" available
silent
run 0 "$ctl" pause "$pool" "$group"
run 0 "$ctl" pause "$pool" "$second"
run 0 "$ctl" mark "$pool" "$second" available
is "$(cat "$err")" "keyshm-ctl: pool $pool: the key with id $second stays paused; let it in again with: \
keyshm-ctl resume $pool $second
keyshm-ctl: pool $pool: the key with id $second stays benched by its group, org-a, which is paused; let it in again \
with: keyshm-ctl resume $pool $group"
run 0 "$ctl" resume "$pool" "$second"
is "$(cat "$err")" "keyshm-ctl: pool $pool: the key with id $second stays benched by its group, org-a, which is paused; \
let it in again with: keyshm-ctl resume $pool $group"
run 0 "$ctl" mark "$pool" "$group" available
is "$(cat "$err")" "keyshm-ctl: pool $pool: the group with id $group stays paused; let it in again with: \
keyshm-ctl resume $pool $group"

# A group's id where a key's is needed.
refused 1 "$ctl" remove "$pool" "$group"
is "$(cat "$err")" "keyshm-ctl: pool $pool: that is the id of a group, not of a key; delete it with --delete: keyshm-ctl group $pool"
refused 1 "$ctl" label "$pool" "$group" text
err_has "^keyshm-ctl: pool $pool: that is the id of a group, and notes are kept with keys; "
refused 1 "$ctl" metadata "$pool" "$group"

# A name is seen by everyone: no key may be in it.
for name in "$(key DDDD)" "of $(key DDDD)"; do
    refused 1 "$ctl" group "$pool" "$name"
    is "$(cat "$err")" "keyshm-ctl: pool $pool: the name has one of its keys in it, and everyone who inspects the pool would see it; \
nothing was changed"
done
feed '%s\n' "$(key HHHH)"
refused 1 "$ctl" add "$pool" --group "($(key HHHH))" <"$in"
err_has "^keyshm-ctl: pool $pool: the name of the group has one of these keys in it, and everyone who inspects the pool would see it;"
holds 4
run 0 "$ctl" verify "$pool"
refused 2 "$ctl" group "$pool.no"
refused 2 "$ctl" group "$pool.no" org
