#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

# status_of POOL WXYZ: the status of the key that ends in WXYZ.
status_of() {
    "$stat" --json "$1" | tr '{' '\n' | sed -n "s/.*\"masked_key\":\"[^\"]*$2\".*\"status\":\"\([a-z_]*\)\".*/\1/p"
}

# counts ADDED FOUND NOT_FOUND MARKED: check them in the JSON in $out.
counts() {
    is "$(json added) $(json found) $(json not_found) $(json marked)" "$*" "added, found, not found, marked"
    is "$(json key_count)" "$(($1 + $2 + $3))"
}

# between MIN MAX VALUE
between() {
    { [ "$3" -ge "$1" ] && [ "$3" -le "$2" ]; } || fail "$3 is not from $1 to $2"
}

# shift_clock SECONDS FROM TO: copy an export as if it had been made SECONDS later.
shift_clock() {
    exported_ms=$("$JSON_GET" exported_unix_ms <"$2")
    sed "s/\"exported_unix_ms\":$exported_ms/\"exported_unix_ms\":$((exported_ms + $1 * 1000))/" "$2" >"$3"
    chmod 600 "$3"
}

# create POOL [OPTION]...: one in which a rate limit may be long.
create() {
    run 0 "$ctl" create "$@"
    run 0 "$ctl" policy "$1" cooldown-max=31622400
}

create "$pool" --capacity 8 --key-max 64
add "$pool" AAAA BBBB CCCC DDDD EEEE
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 1)" rate_limited --retry-after 100000
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 2)" quota_exceeded --retry-after 200000
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 3)" invalid --reason billing
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 4)" quota_exceeded
run 0 "$ctl" pause "$pool" "$(id_of "$pool" 3)"
run 0 "$ctl" pause "$pool" "$(id_of "$pool" 4)"
run 0 "$ctl" label "$pool" "$(id_of "$pool" 0)" 'the "first" ä'
run 0 "$ctl" metadata "$pool" "$(id_of "$pool" 1)" team ''
state=$tmp/state
keys=$tmp/keys
run 0 "$ctl" export "$pool" --output "$state"
run 0 "$ctl" export "$pool" --output "$keys" --with-keys

# Without keys, into a pool that has most of them in other slots. A long key is recognised by all of its bytes.
long=$(printf '%0600d' 0)
other=$pool.other
create "$other" --capacity 16 --key-max 1024
feed '%s\n%s1\n%s2\n' "$secret" "$long" "$long"
run 0 "$ctl" add "$other" <"$in"
add "$other" EEEE DDDD FFFF BBBB AAAA
before=$(cksum <"$segments.$other")
run 0 "$ctl" import "$other" "$state" --dry-run --json
counts 0 4 1 3
out_has '"is_dry_run":true'
run 0 "$ctl" import "$other" --dry-run <"$state"
out_is 'nothing was changed; it would be: 0 added, 4 found, 1 not found; 3 marked, 2 paused'
is "$(cksum <"$segments.$other")" "$before" "the pool after --dry-run"
run 0 "$ctl" import "$other" "$state" --json
counts 0 4 1 3
out_has '"is_dry_run":false'
names=$(json)
for expected in AAAA=available BBBB=rate_limited DDDD=invalid EEEE=quota_exceeded FFFF=available; do
    is "$(status_of "$other" "${expected%=*}")" "${expected#*=}" "status of ${expected%=*}"
done
is "$(of_pool "$other" keys 7 metadata label)" 'the "first" ä'
is "$(of_pool "$other" keys 6 metadata)" 'team '
between 90000000 100000100 "$(of_pool "$other" keys 6 cooldown_left_ms)"
is "$(of_pool "$other" count)" 8 "no key was added"
run 0 "$ctl" import "$other" <"$state"
out_is '0 added, 4 found, 1 not found; 3 marked, 2 paused'
err_has "^keyshm-ctl: pool $other: to import keys that were not found, use keyshm-ctl add first, or export --with-keys$"
run 0 "$ctl" mark "$other" "$(id_of "$other" 2)" invalid
run 0 "$ctl" export "$other" --output "$tmp/long"
run 0 "$ctl" mark "$other" "$(id_of "$other" 2)" available
run 0 "$ctl" import "$other" "$tmp/long" --json
counts 0 7 1 4
is "$(of_pool "$other" keys 2 status) $(of_pool "$other" keys 1 status)" 'invalid available'

# Every member is in the help.
run 0 "$ctl" import --help
for name in $names; do
    out_has "^  *$name  "
done

# Time passes between export and import: some cooldowns are over, none is too short, none grows.
add_all() {
    create "$1" --capacity 5
    add "$1" AAAA BBBB CCCC DDDD EEEE
}
add_all "$pool.later"
shift_clock -40000 "$state" "$tmp/shifted"
run 0 "$ctl" import "$pool.later" "$tmp/shifted" --json
counts 0 5 0 4
between 50000000 60000100 "$(of_pool "$pool.later" keys 1 cooldown_left_ms)"
between 150000000 160000100 "$(of_pool "$pool.later" keys 2 cooldown_left_ms)"
add_all "$pool.late"
shift_clock -150000 "$state" "$tmp/shifted"
run 0 "$ctl" import "$pool.late" "$tmp/shifted" --json
counts 0 5 0 3
is "$(of_pool "$pool.late" keys 1 status) $(of_pool "$pool.late" keys 1 marked rate_limited)" 'available 0'
between 40000000 50000100 "$(of_pool "$pool.late" keys 2 cooldown_left_ms)"
is "$(of_pool "$pool.late" keys 3 status) $(of_pool "$pool.late" keys 4 status)" 'invalid quota_exceeded'
add_all "$pool.back"
shift_clock 1000000 "$state" "$tmp/shifted"
run 0 "$ctl" import "$pool.back" "$tmp/shifted"
between 90000000 100000100 "$(of_pool "$pool.back" keys 1 cooldown_left_ms)"

# No status is lowered, and no cooldown is shortened.
add_all "$pool.worse"
for slot in 0 1 2; do
    run 0 "$ctl" mark "$pool.worse" "$(id_of "$pool.worse" "$slot")" invalid
done
run 0 "$ctl" import "$pool.worse" "$state"
for slot in 0 1 2 3; do
    is "$(of_pool "$pool.worse" keys "$slot" status)" invalid
done
run 0 "$ctl" mark "$pool.back" "$(id_of "$pool.back" 1)" rate_limited --retry-after 900000
run 0 "$ctl" import "$pool.back" "$state"
between 800000000 900000100 "$(of_pool "$pool.back" keys 1 cooldown_left_ms)"

# A rate limit without end stays one, whatever the policy.
create "$pool.endless" --cooldown 0
add "$pool.endless" AAAA
run 0 "$ctl" mark "$pool.endless" "$(id_of "$pool.endless" 0)" rate_limited
run 0 "$ctl" export "$pool.endless" --output "$tmp/endless"
run 0 "$ctl" mark "$pool.endless" "$(id_of "$pool.endless" 0)" available
run 0 "$ctl" import "$pool.endless" "$tmp/endless"
is "$(of_pool "$pool.endless" keys 0 status) $(of_pool "$pool.endless" keys 0 cooldown_left_ms)" 'rate_limited -1'
add_all "$pool.end"
run 0 "$ctl" import "$pool.end" "$tmp/endless"
is "$(of_pool "$pool.end" keys 0 status) $(of_pool "$pool.end" keys 0 cooldown_left_ms)" 'rate_limited -1'

# The policy goes before the marks, so that no rate limit is shortened; a file of an earlier version has none.
sed '1s/"policy":{[^}]*},//' "$state" >"$tmp/without_policy"
! cmp -s "$state" "$tmp/without_policy" || fail "the test has no effect"
run 0 "$ctl" policy "$pool" cooldown=1.5
run 0 "$ctl" export "$pool" --output "$tmp/with_policy"
run 0 "$ctl" create "$pool.policy" --cooldown 7
add "$pool.policy" AAAA BBBB
# policy_is COOLDOWN_MS COOLDOWN_MAX_MS: check the policy of that pool.
policy_is() {
    run 0 "$ctl" policy "$pool.policy" --json
    is "$(json cooldown_ms) $(json cooldown_max_ms)" "$*" "the policy"
}
run 0 "$ctl" import "$pool.policy" "$tmp/without_policy" --json
out_has '"policy_changed":false'
policy_is 7000 86400000
between 80000000 86400100 "$(of_pool "$pool.policy" keys 1 cooldown_left_ms)"
run 0 "$ctl" mark "$pool.policy" all available
run 0 "$ctl" import "$pool.policy" "$tmp/with_policy" --dry-run
out_is 'nothing was changed; it would be: 0 added, 2 found, 3 not found; 1 marked, 0 paused; the policy changed'
policy_is 7000 86400000
run 0 "$ctl" import "$pool.policy" "$tmp/with_policy" --json
out_has '"policy_changed":true'
policy_is 1500 31622400000
between 90000000 100000100 "$(of_pool "$pool.policy" keys 1 cooldown_left_ms)"
run 0 "$ctl" import "$pool.policy" "$tmp/with_policy"
out_is '0 added, 2 found, 3 not found; 1 marked, 0 paused'

# What is invalid stays so, though the pool wants several marks for that, and whichever of the two says so.
run 0 "$ctl" create "$pool.final" --models-max 1
add "$pool.final" AAAA BBBB
run 0 "$ctl" model "$pool.final" gpt-4o
run 0 "$ctl" mark "$pool.final" "$(id_of "$pool.final" 0)" invalid
run 0 "$ctl" mark "$pool.final" "$(id_of "$pool.final" 1)" invalid --model gpt-4o
run 0 "$ctl" policy "$pool.final" invalid-after=3
run 0 "$ctl" export "$pool.final" --output "$tmp/lenient"
sed '1s/"policy":{[^}]*},//' "$tmp/lenient" >"$tmp/lenient_pool"
for file in lenient lenient_pool; do
    run 0 "$ctl" mark "$pool.final" "$(id_of "$pool.final" 0)" available
    run 0 "$ctl" mark "$pool.final" "$(id_of "$pool.final" 1)" available --model gpt-4o
    [ "$file" = lenient_pool ] || run 0 "$ctl" policy "$pool.final" invalid-after=1
    run 0 "$ctl" import "$pool.final" "$tmp/$file"
    is "$(of_pool "$pool.final" keys 0 status) $(of_pool "$pool.final" keys 0 cooldown_left_ms)" 'invalid -1'
    run 0 "$stat" "$pool.final" --model gpt-4o --json
    is "$(json pools 0 keys 1 status)" invalid
    run 0 "$ctl" policy "$pool.final" --json
    is "$(json invalid_after)" 3
done

# With keys, into an empty pool: everything is restored. Again, into the same pool: nothing is added.
new=$pool.new
create "$new" --capacity 6
before=$(cksum <"$segments.$new")
run 0 "$ctl" import "$new" "$keys" --dry-run --json
counts 5 0 0 4
is "$(cksum <"$segments.$new")" "$before" "the pool after --dry-run"
run 0 "$ctl" import "$new" "$keys"
out_is '5 added, 0 found, 0 not found; 4 marked, 2 paused'
[ ! -s "$err" ] || fail "an unexpected message"
for slot in 0 1 2 3 4; do
    for member in masked_key status metadata; do
        is "$(of_pool "$new" keys "$slot" "$member")" "$(of_pool "$pool" keys "$slot" "$member")" "$member of $slot"
    done
done
run 0 "$ctl" export "$new"
for slot in 0 1 2 3 4; do
    for member in reason is_paused; do
        is "$(json keys "$slot" "$member")" "$("$JSON_GET" keys "$slot" "$member" <"$keys")" "$member of $slot"
    done
done
is "$(json keys 3 reason) $(json keys 3 is_paused) $(json keys 1 is_paused)" 'billing true false'
run 0 "$ctl" next "$new"
is "$(cut -d ' ' -f 2 "$out")" "$(key AAAA)"
run 0 "$ctl" import "$new" "$keys" --json
counts 0 5 0 4
run 0 "$ctl" import "$pool" "$keys" --json
counts 0 5 0 4
run 0 "$ctl" verify "$new"

# Groups and models: all that is known of both survives, in an empty pool and in one that has the keys.
# known FILE: an export without what differs from one to the next.
known() {
    sed 's/"exported_unix_ms":[0-9]*//; s/"provider[a-z_]*":"[^"]*"//g; s/"fingerprint[a-z_]*":"[^"]*"//; s/"with_keys":[a-z]*//
        s/"key":"[^"]*"//; s/"marked":{[^}]*}//g; s/"cooldown_left_ms":[1-9][0-9]*/"cooldown_left_ms":N/g
        s/"failed_ago_ms":[0-9]*/"failed_ago_ms":N/g' "$1"
}
full=$pool.full
create "$full" --capacity 8
feed '%s\n%s\n' "$(key AAAA)" "$(key BBBB)"
run 0 "$ctl" add "$full" --group org-a <"$in"
add "$full" CCCC
run 0 "$ctl" group "$full" 'org b ü'
run 0 "$ctl" mark "$full" quota_exceeded --group org-a --retry-after 100000 --reason billing
run 0 "$ctl" mark "$full" rate_limited --group org-a --model m/1 --retry-after 200000 --reason overloaded
run 0 "$ctl" mark "$full" invalid --group 'org b ü'
run 0 "$ctl" pause "$full" --group 'org b ü'
run 0 "$ctl" mark "$full" "$(id_of "$full" 0)" rate_limited --model 'm 2' --retry-after 300000
run 0 "$ctl" mark "$full" "$(id_of "$full" 2)" invalid --model m/1 --reason permission
run 0 "$ctl" model "$full" unmarked
run 0 "$ctl" pause "$full" "$(id_of "$full" 1)"
run 0 "$ctl" priority "$full" "$(id_of "$full" 1),$(id_of "$full" 2)" 2
run 0 "$ctl" weight "$full" "$(id_of "$full" 2),$(id_of "$full" 0)" 7
run 0 "$ctl" export "$full" --output "$tmp/full" --with-keys
run 0 "$ctl" export "$full" --output "$tmp/full_state"
create "$full.empty" --capacity 8
before=$(cksum <"$segments.$full.empty")
run 0 "$ctl" import "$full.empty" "$tmp/full" --dry-run
out_is 'nothing was changed; it would be: 3 added, 0 found, 0 not found; 4 marked, 2 paused; groups: 2 added, 0 keys moved; models: 3 added'
is "$(cksum <"$segments.$full.empty")" "$before" "the pool after --dry-run"
run 0 "$ctl" import "$full.empty" "$tmp/full" --json
counts 3 0 0 4
is "$(json groups_added) $(json moved) $(json reordered) $(json models_added) $(json paused)" '2 0 0 3 2'
create "$full.keys" --capacity 8
add "$full.keys" AAAA BBBB CCCC
run 0 "$ctl" model "$full.keys" other
run 0 "$ctl" model "$full.keys" m/1
run 0 "$ctl" group "$full.keys" else --put-in "$(id_of "$full.keys" 0)"
run 0 "$ctl" group "$full.keys" 'org b ü' --put-in "$(id_of "$full.keys" 2)"
run 0 "$ctl" priority "$full.keys" "$(id_of "$full.keys" 1)" 2
run 0 "$ctl" weight "$full.keys" "$(id_of "$full.keys" 0)" 3
before=$(cksum <"$segments.$full.keys")
run 0 "$ctl" import "$full.keys" "$tmp/full_state" --dry-run
out_is 'nothing was changed; it would be: 0 added, 3 found, 0 not found; 4 marked, 2 paused; groups: 1 added, 2 keys moved; models: 2 added; 2 keys with another priority or weight'
is "$(cksum <"$segments.$full.keys")" "$before" "the pool after --dry-run"
run 0 "$ctl" import "$full.keys" "$tmp/full_state"
out_is '0 added, 3 found, 0 not found; 4 marked, 2 paused; groups: 1 added, 2 keys moved; models: 2 added; 2 keys with another priority or weight'
run 0 "$ctl" import "$full.keys" "$tmp/full_state"
out_is '0 added, 3 found, 0 not found; 4 marked, 2 paused; groups: 0 added, 0 keys moved; models: 0 added'
run 0 "$ctl" export "$full.empty" --output "$tmp/full_again"
known "$tmp/full_state" >"$tmp/known"
known "$tmp/full_again" | diff -u "$tmp/known" - >&2 || fail "not all is known in an empty pool"
run 0 "$ctl" export "$full.keys"
is "$(json keys 0 group) $(json keys 1 group) $(json keys 2 group)" 'org-a org-a org b ü' "a key without a group stays where it is"
for member in status models priority weight; do
    for slot in 0 1 2; do
        is "$(json keys "$slot" "$member")" "$("$JSON_GET" keys "$slot" "$member" <"$tmp/full")" "$member of $slot"
    done
done
for from in "$full.empty" "$full.keys"; do
    run 0 "$ctl" export "$from"
    between 290000000 300000100 "$(json keys 0 models 'm 2' cooldown_left_ms)"
    is "$(json keys 0 models 'm 2' status) $(json keys 2 models m/1 reason)" 'rate_limited permission'
    # The key itself is not benched by what its group is marked with.
    is "$(json keys 0 status) $(json keys 0 cooldown_left_ms)" 'available 0'
    run 0 "$ctl" verify "$from"
done
run 0 "$ctl" next "$full.empty" --model unmarked
is "$(cut -d ' ' -f 2 "$out")" "$(key CCCC)"
run 0 "$ctl" mark "$full.empty" available --group org-a
run 0 "$ctl" next "$full.empty"
is "$(cut -d ' ' -f 2 "$out")" "$(key AAAA)"

# Failures in a row go along: of a key, a group and for a model, benched or not; twice is as once.
row=$pool.row
create "$row" --capacity 4
feed '%s\n%s\n' "$(key AAAA)" "$(key BBBB)"
run 0 "$ctl" add "$row" --group org-a <"$in"
run 0 "$ctl" model "$row" m1
run 0 "$ctl" policy "$row" invalid-after=3 streak-forget=86400 cooldown=0.001
for turn in 1 2; do
    run 0 "$ctl" mark "$row" "$(id_of "$row" 0)" rate_limited --reason rate_limit
    run 0 "$ctl" mark "$row" rate_limited --group org-a --model m1 --reason rate_limit
    sleep 0.05
done
for turn in 1 2 3; do
    run 0 "$ctl" mark "$row" "$(id_of "$row" 1)" invalid --reason authentication
    sleep 0.05
done
run 0 "$ctl" export "$row" --output "$tmp/row" --with-keys
run 0 "$ctl" export "$row" --output "$tmp/row_state"
is "$("$JSON_GET" keys 0 streak rate_limits <"$tmp/row_state")" 2
is "$("$JSON_GET" keys 1 streak invalids <"$tmp/row_state") $("$JSON_GET" keys 1 status <"$tmp/row_state")" '3 invalid'
is "$("$JSON_GET" groups 0 models m1 streak rate_limits <"$tmp/row_state")" 2
known "$tmp/row_state" >"$tmp/known"
create "$row.new" --capacity 4
for turn in 1 2; do
    run 0 "$ctl" import "$row.new" "$tmp/row"
    run 0 "$ctl" export "$row.new" --output "$tmp/row_$turn"
    known "$tmp/row_$turn" | diff -u "$tmp/known" - >&2 || fail "not all failures in a row are known, import $turn"
done
# A key that is benched already becomes invalid, too.
create "$row.benched" --capacity 4
add "$row.benched" AAAA BBBB
run 0 "$ctl" mark "$row.benched" "$(id_of "$row.benched" 1)" rate_limited --retry-after 1000
run 0 "$ctl" import "$row.benched" "$tmp/row_state"
is "$(of_pool "$row.benched" keys 1 status)" invalid
# So it does from a file of an earlier version, which has no failures in a row, whatever invalid-after is.
sed 's/, *"streak": *{[^}]*}//g; s/, *"streak": *null//g; s/"m1": *{[^}]*}//g' "$tmp/row_state" >"$tmp/earlier"
! grep -q '"streak"' "$tmp/earlier" || fail 'the file is not one of an earlier version'
for after in 3 1; do
    create "$row.$after" --capacity 4
    add "$row.$after" AAAA BBBB
    sed "s/\"invalid_after\": *3/\"invalid_after\":$after/" "$tmp/earlier" >"$tmp/earlier.$after"
    run 0 "$ctl" import "$row.$after" "$tmp/earlier.$after"
    is "$(of_pool "$row.$after" keys 1 status)" invalid
    run 0 "$ctl" policy "$row.$after"
    grep -qx "invalid-after=$after" "$out" || fail "the policy is not that of the file"
done
# The time of the last failure goes on, also where it was before the pool was made.
sed 's/"failed_ago_ms": *[0-9]*/"failed_ago_ms":3000000/g' "$tmp/row_state" >"$tmp/row_old"
create "$row.old" --capacity 4
add "$row.old" AAAA BBBB
run 0 "$ctl" import "$row.old" "$tmp/row_old"
run 0 "$ctl" export "$row.old" --output "$tmp/row_old_again"
ago_ms=$("$JSON_GET" keys 0 streak failed_ago_ms <"$tmp/row_old_again")
[ "$ago_ms" -ge 3000000 ] && [ "$ago_ms" -lt 9000000 ] || fail "the last failure was $ago_ms ms ago"
for edit in 's/"rate_limits":2/"rate_limits":256/' 's/"failed_ago_ms":[0-9]*/"failed_ago_ms":-1/g'; do
    sed "2,\$$edit" "$tmp/row_state" >"$tmp/wrong"
    refused 1 "$ctl" import "$row.new" "$tmp/wrong"
    err_has 'in the file, keys\[0\].streak must be null, or an object: rate_limits and invalids, .*; nothing was changed$'
done

# No status of a group is lowered, and no pause is ended.
run 0 "$ctl" mark "$full.empty" invalid --group org-a
run 0 "$ctl" pause "$full.empty" --group org-a
run 0 "$ctl" import "$full.empty" "$tmp/full"
run 0 "$ctl" group "$full.empty" org-a --json
is "$(json groups 0 status) $(json groups 0 is_paused)" 'invalid true'

# Time passes between export and import, for groups and models, too.
create "$full.late"
shift_clock -150000 "$tmp/full" "$tmp/shifted"
run 0 "$ctl" import "$full.late" "$tmp/shifted" --json
counts 3 0 0 4
run 0 "$ctl" export "$full.late"
is "$(json groups 0 status)" available
between 40000000 50000100 "$(json groups 0 models m/1 cooldown_left_ms)"
between 140000000 150000100 "$(json keys 0 models 'm 2' cooldown_left_ms)"

# A file of an earlier version has neither, and no priorities and weights: those of the keys stay.
sed 's/"models":\[[^]]*\],"groups":\[\],//; s/"models":{},//; s/"group":null,"priority":0,"weight":1,//' "$state" >"$tmp/earlier"
! grep -q '"models"\|"group\|"priority\|"weight' "$tmp/earlier" || fail "the test has no effect"
add_all "$pool.earlier"
run 0 "$ctl" priority "$pool.earlier" "$(id_of "$pool.earlier" 0)" 1
run 0 "$ctl" weight "$pool.earlier" "$(id_of "$pool.earlier" 0)" 5
run 0 "$ctl" import "$pool.earlier" "$tmp/earlier"
out_is '0 added, 5 found, 0 not found; 4 marked, 2 paused'
is "$(of_pool "$pool.earlier" keys 0 priority) $(of_pool "$pool.earlier" keys 0 weight)" '1 5'
sed '2s/"weight":1,//' "$state" >"$tmp/half"
run 0 "$ctl" import "$pool.earlier" "$tmp/half" --json
is "$(json reordered)" 1
is "$(of_pool "$pool.earlier" keys 0 priority) $(of_pool "$pool.earlier" keys 0 weight)" '0 5' "one of the two"

# Without room for the groups nothing is changed; models for which there is no room are left out.
create "$full.tight" --groups-max 1 --models-max 2
refused 1 "$ctl" import "$full.tight" "$tmp/full"
is "$(cat "$err")" "keyshm-ctl: pool $full.tight: it has no room for all groups in the file; nothing was changed; make a pool that has \
with: keyshm-ctl create --groups-max N $full.tight"
run 0 "$ctl" group "$full.tight"
silent
run 0 "$ctl" model "$full.tight"
silent
is "$(of_pool "$full.tight" count)" 0
create "$full.few" --models-max 2
run 0 "$ctl" import "$full.few" "$tmp/full"
is "$(cat "$err")" "keyshm-ctl: pool $full.few: it has no room for 1 of the models in the file, so what is known for them is left out; \
make a pool that has with: keyshm-ctl create --models-max N"
out_is '3 added, 0 found, 0 not found; 4 marked, 2 paused; groups: 2 added, 0 keys moved; models: 2 added'
run 0 "$ctl" model "$full.few"
is "$(wc -l <"$out")" 2 "models"

# Names that tell a key.
for edit in 's/"org-a"/"to '"$(key CCCC)"'"/g' 's/"unmarked"/"'"$(key CCCC)"'"/'; do
    sed "$edit" "$tmp/full" >"$tmp/told"
    chmod 600 "$tmp/told"
    refused 1 "$ctl" import "$full.tight" "$tmp/told"
    err_has "^keyshm-ctl: pool $full.tight: in the file, \(groups\|models\)\[[0-9]\][.a-z]* has a key in it, and everyone who inspects"
done

# Room is checked first: all keys are added or none.
run 0 "$ctl" create "$pool.small" --capacity 4
refused 1 "$ctl" import "$pool.small" "$keys"
err_has "^keyshm-ctl: pool $pool.small: in the file, keys\[4\].key: the pool has no room for it: it was made for 4 keys; nothing"
is "$(of_pool "$pool.small" count)" 0
run 0 "$ctl" import "$pool.small" "$state" --json
counts 0 0 5 0
run 0 "$ctl" create "$pool.narrow" --key-max 20
refused 1 "$ctl" import "$pool.narrow" "$keys"
err_has 'keys\[0\].key: longer than the 20 bytes that this pool allows a key; nothing was changed$'

# Files with keys that other users can read.
for mode in 640 604 620 601; do
    chmod "$mode" "$keys"
    for from in "$keys" /dev/null; do
        # shellcheck disable=SC2046
        refused 1 "$ctl" import "$pool.small" $([ "$from" = /dev/null ] || echo "$from") <"$keys"
        err_has "^keyshm-ctl: pool $pool.small: there are keys in .*, which is open to group or others; .*chmod 600; nothing"
    done
done
chmod 400 "$keys"
run 0 "$ctl" import "$new" "$keys" --dry-run
run 0 "$ctl" import "$new" --dry-run <"$keys"
chmod 644 "$state"
run 0 "$ctl" import "$new" "$state" --dry-run
if [ "$(id -u)" -eq 0 ] && cp "$keys" "$tmp/foreign" && chown 12345 "$tmp/foreign" 2>/dev/null; then
    refused 1 "$ctl" import "$pool.small" "$tmp/foreign"
    err_has 'which belongs to another user'
fi
mkfifo "$tmp/fifo"
cat "$keys" >"$tmp/fifo" &
refused 1 "$ctl" import "$pool.small" "$tmp/fifo"
err_has 'there are keys in the file, which is not a regular file; give it on standard input; nothing was changed$'
is "$(of_pool "$pool.small" count)" 0

# A pipe is accepted: other users cannot read it.
"$ctl" create "$pool.piped"
# shellcheck disable=SC2002
cat "$keys" | run 0 "$ctl" import "$pool.piped"
is "$(of_pool "$pool.piped" count)" 5

# Notes: those in the file replace notes of the same name, others stay; all or none of a key.
id=$(id_of "$pool.late" 0)
run 0 "$ctl" label "$pool.late" "$id" old
run 0 "$ctl" metadata "$pool.late" "$id" mine kept
run 0 "$ctl" import "$pool.late" "$state"
is "$(of_pool "$pool.late" keys 0 metadata label) $(of_pool "$pool.late" keys 0 metadata mine)" 'the "first" ä kept'
run 0 "$ctl" metadata "$pool.end" "$(id_of "$pool.end" 0)" a "$(printf '%0120d' 0)"
run 0 "$ctl" metadata "$pool.end" "$(id_of "$pool.end" 0)" b "$(printf '%019d' 0)"
refused 1 "$ctl" import "$pool.end" "$state"
err_has "the notes of the key with id $(id_of "$pool.end" 0), with those of keys\[0\] in the file, would take more than 160"
is "$(of_pool "$pool.end" keys 3 status)" available
sed "s/the .\"first.\" ä/so: $(key DDDD)/" "$keys" >"$tmp/told"
grep -q "so: $(key DDDD)" "$tmp/told" || fail "the test has no effect"
chmod 600 "$tmp/told"
for to in "$pool.end" "$pool.narrow"; do
    [ "$to" = "$pool.end" ] || { run 0 "$ctl" destroy "$to" && run 0 "$ctl" create "$to"; }
    refused 1 "$ctl" import "$to" "$tmp/told"
    err_has 'keys\[0\].metadata has a key in it, and everyone who inspects the pool would see it; nothing was changed$'
done
is "$(of_pool "$pool.narrow" count)" 0

# The rules of a pool stay as they are; it is said where they are not those of the file, and not if both are by the name.
create "$pool.rules" --provider-rules openai
run 0 "$ctl" export "$pool.rules" --output "$tmp/rules"
create "$pool.named"
run 0 "$ctl" export "$pool.named" --output "$tmp/named"
create "$pool.same" --provider-rules openai
sed 's/"provider_rules":"openai",//' "$tmp/rules" >"$tmp/unsaid"
for case in rules:named:1 named:rules:1 rules:same:0 named:pool:0 unsaid:named:0; do
    file=${case%%:*} to=${case#*:}
    to=$pool.${to%:*}
    [ "$to" != "$pool.pool" ] || to=$pool
    for option in json dry-run; do
        run 0 "$ctl" import "$to" "$tmp/$file" "--$option"
        is "$(grep -c "^keyshm-ctl: pool $to: the exported pool has other rules .*create --provider-rules NAME $to$" "$err")" \
            "${case##*:}" "rules, $case"
        is "$(wc -l <"$err")" "${case##*:}" "messages, $case"
    done
done
is "$(of_pool "$pool.rules" provider_rules) $(of_pool "$pool.named" provider_rules)" "openai $pool.named"

# No pool, no file.
refused 2 "$ctl" import "$pool.none" "$state"
err_has "^keyshm-ctl: pool $pool.none: there is no such pool; make it, .*: keyshm-ctl create --capacity N --key-max N --provider-rules NAME $pool.none$"
refused 1 "$ctl" import "$pool" "$tmp/none"
err_has "^keyshm-ctl: pool $pool: cannot open the file: No such file or directory; nothing was changed$"
refused 1 "$ctl" import "$pool" "$tmp"
err_has "^keyshm-ctl: pool $pool: cannot read the file: Is a directory; nothing was changed$"
refused 1 "$ctl" import "$pool" <&-
err_has "^keyshm-ctl: pool $pool: cannot read standard input: Bad file descriptor; nothing was changed$"

# Another process holds the mutex: the message reports the progress, and the next import completes it.
run 0 "$FIXTURE" create "$pool.held" 10
keep hold "$pool.held"
run 1 "$ctl" import "$pool.held" "$keys"
err_has "^keyshm-ctl: pool $pool.held: stopped after 0 of 5 keys, which stay as they are now; import it again to go on$"
kill -KILL "$holder"
wait "$holder" 2>/dev/null || true
run 0 "$ctl" import "$pool.held" "$keys" --json
counts 5 0 0 4

# Limits: of the pool, of groups and keys, and for models; what was used is not among them.
from=$pool.limits
run 0 "$ctl" create "$from" --in-flight-max 32
add "$from" AAAA BBBB CCCC
run 0 "$ctl" group "$from" 'org a' --put-in "$(id_of "$from" 0)"
run 0 "$ctl" model "$from" m/1
run 0 "$ctl" model "$from" m/2
feed '%s\n' 'all --requests 12/day --tokens 90k/min --tokens-burst 1k --tokens-charge pick' 'all --model m/1 --requests 8/600ms' \
    "--group 'org a' --in-flight 5 --tokens-long 1M/2h" "--group 'org a' --model m/2 --requests-long 1000/day" \
    "$(id_of "$from" 1) --requests none" "$(id_of "$from" 1) --model m/2 --tokens 5/s" "$(id_of "$from" 2) --in-flight 32"
run 0 "$ctl" limits "$from" --file - <"$in"
run 0 "$ctl" next "$from"
run 0 "$ctl" limits "$from"
sed "s/^$(id_of "$from" 1) /BBBB /; s/^$(id_of "$from" 2) /CCCC /" "$out" | sort >"$tmp/limits"
is "$(wc -l <"$tmp/limits")" 7
run 0 "$ctl" export "$from" --output "$tmp/limits.json" --with-keys

# limits_are_the_same POOL: as those of that pool, whatever the ids.
limits_are_the_same() {
    run 0 "$ctl" limits "$1"
    sed "s/^$(id_of_end "$1" BBBB) /BBBB /; s/^$(id_of_end "$1" CCCC) /CCCC /" "$out" | sort | diff "$tmp/limits" - >&2 ||
        fail "other limits in $1"
}
id_of_end() {
    "$stat" --raw --noheadings -o ID --key "*$2" "$1"
}
other=$pool.limited
run 0 "$ctl" create "$other" --in-flight-max 32
add "$other" CCCC DDDD
run 0 "$ctl" model "$other" m/0
run 0 "$ctl" import "$other" "$tmp/limits.json" --dry-run --json
is "$(json limited)" 4
run 0 "$ctl" limits "$other"
out_is 'all --none'
run 0 "$ctl" import "$other" "$tmp/limits.json"
out_has '; 4 limited$'
limits_are_the_same "$other"
run 0 "$ctl" import "$other" "$tmp/limits.json" --json
is "$(json limited)" 4
limits_are_the_same "$other"

# Where the file has none, those that are there stay; files of earlier versions have none.
run 0 "$ctl" limits "$other" "$(id_of_end "$other" DDDD)" --requests 7/s
sed 's/,"limits":\[[^]]*\]//g' "$tmp/limits.json" >"$tmp/earlier"
! grep -q '"limits"' "$tmp/earlier" || fail "the test has no effect"
chmod 600 "$tmp/earlier"
run 0 "$ctl" limits "$other" >/dev/null
run 0 "$ctl" import "$other" "$tmp/earlier" --json
is "$(json limited)" 0
run 0 "$ctl" limits "$other"
is "$(wc -l <"$out")" 8
out_has '^[0-9]* --requests 7/s '

# Limits for a model for which there is no room are left out; all others are there.
run 0 "$ctl" create "$pool.unmodelled" --models-max 1 --in-flight-max 32
run 0 "$ctl" import "$pool.unmodelled" "$tmp/limits.json"
grep -v m/2 "$tmp/limits" >"$tmp/modelled"
mv "$tmp/modelled" "$tmp/limits"
limits_are_the_same "$pool.unmodelled"
is "$(wc -l <"$tmp/limits")" 5

# One that is above what the pool was made for is refused before anything is changed.
run 0 "$ctl" create "$pool.capped"
refused 1 "$ctl" import "$pool.capped" "$tmp/limits.json"
err_has 'in the file, keys\[2\].limits\[0\].in_flight: the pool was made for a cap of up to 16 requests in flight of a key; '
is "$(of_pool "$pool.capped" count)" 0
run 0 "$ctl" limits "$pool.capped"
out_is 'all --none'
