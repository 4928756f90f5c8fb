#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

is_number() {
    case $1 in *[!0-9]* | '') fail "$2: '$1' is no number" ;; esac
}

run 0 "$ctl" create "$pool" --capacity 9 --key-max 64 --cooldown 30
add "$pool" AAAA BBBB CCCC DDDD
for slot in 0 1 2 3; do
    eval "id$slot=$(id_of "$pool" "$slot")"
done
# shellcheck disable=SC2154
{
    run 0 "$ctl" remove "$pool" "$id1"
    run 0 "$ctl" next "$pool"
    run 0 "$ctl" mark "$pool" "$id0" invalid
    run 0 "$ctl" mark "$pool" "$id0" invalid
    run 0 "$ctl" mark "$pool" "$id2" rate_limited --retry-after 9000
    run 0 "$ctl" mark "$pool" "$id2" quota_exceeded --retry-after 1
    run 0 "$FIXTURE" metadata "$pool" "$id3" zone eu
    run 0 "$FIXTURE" metadata "$pool" "$id3" bytes "$(printf 'a\377\303\251\303(\360\237\230\200\355\240\200\\"')"
    run 0 "$FIXTURE" metadata "$pool" "$id3" none ''
}

before_ms=$(($(date +%s) * 1000 - 600000))
run 0 "$stat" --json "$pool"
[ ! -s "$err" ] || fail "an unexpected message"
is "$(json)" 'schema pools '
is "$(json schema)" 1
is "$(json pools)" 1

is "$(json pools 0)" "provider count capacity status_count available_count paused_count waiting group_count model_count key_max default_cooldown_ms cooldown_max_ms provider_rules created_unix_ms age_ms creator_uid \
creator_pid creator_name recoveries mutex_holder_pid mutex_holder_name mutex_holder_state mutex_held_ms keys "
is "$(json pools 0 provider)" "$pool"
is "$(json pools 0 capacity)" 9
is "$(json pools 0 count)" 3
is "$(json pools 0 status_count)" 'available rate_limited quota_exceeded invalid '
is "$(json pools 0 status_count available)" 1
is "$(json pools 0 status_count rate_limited)" 0
is "$(json pools 0 status_count quota_exceeded)" 1
is "$(json pools 0 status_count invalid)" 1
is "$(json pools 0 key_max)" 64
is "$(json pools 0 default_cooldown_ms)" 30000
is "$(json pools 0 provider_rules)" "$pool" "those of its name"
[ "$(json pools 0 created_unix_ms)" -gt "$before_ms" ] || fail "the creation time is before the test"
is_number "$(json pools 0 age_ms)" age_ms
is "$(json pools 0 creator_uid)" "$(id -u)"
is_number "$(json pools 0 creator_pid)" creator_pid
is "$(json pools 0 creator_name)" keyshm-ctl
is "$(json pools 0 recoveries)" 0
is "$(json pools 0 mutex_holder_pid)" 0
is "$(json pools 0 mutex_holder_name)" ''
is "$(json pools 0 mutex_holder_state)" ''
is "$(json pools 0 mutex_held_ms)" -1

is "$(json pools 0 keys)" 3
is "$(json pools 0 keys 0)" \
    "slot masked_key group status cooldown_left_ms is_paused benched_by reason is_probing streak priority weight in_flight in_flight_cap requests_left requests_burst tokens_left tokens_burst picks error_count last_used_ago_ms id marked metadata "
is "$(json pools 0 keys 0 id)" "$id0"
is "$(json pools 0 keys 0 slot)" 0
is "$(json pools 0 keys 0 masked_key)" sk-…AAAA
is "$(json pools 0 keys 0 status)" invalid
is "$(json pools 0 keys 0 cooldown_left_ms)" -1
is "$(json pools 0 keys 0 picks)" 1
is "$(json pools 0 keys 0 error_count)" 2
is_number "$(json pools 0 keys 0 last_used_ago_ms)" last_used_ago_ms
is "$(json pools 0 keys 0 marked)" 'available rate_limited quota_exceeded invalid '
is "$(json pools 0 keys 0 marked available)" 0
is "$(json pools 0 keys 0 marked invalid)" 2
is "$(json pools 0 keys 0 metadata)" ''

is "$(json pools 0 keys 1 slot)" 2 "the slot of the second key, one was removed"
is "$(json pools 0 keys 1 status)" quota_exceeded
is_number "$(json pools 0 keys 1 cooldown_left_ms)" cooldown_left_ms
[ "$(json pools 0 keys 1 cooldown_left_ms)" -gt 8000000 ] || fail "a cooldown that is too short"
is "$(json pools 0 keys 1 last_used_ago_ms)" -1
is "$(json pools 0 keys 1 marked rate_limited)" 1
is "$(json pools 0 keys 1 marked quota_exceeded)" 1

# The JSON is valid whatever the metadata contains.
is "$(json pools 0 keys 2 cooldown_left_ms)" 0
is "$(json pools 0 keys 2 metadata)" 'bytes none zone '
is "$(json pools 0 keys 2 metadata zone)" eu
is "$(json pools 0 keys 2 metadata none)" ''
is "$(json pools 0 keys 2 metadata bytes)" 'a�é�(😀���\"'

# A creator with a strange name.
mkdir "$tmp/bin"
odd=$(printf 'k\377"y')
cp "$ctl" "$tmp/bin/$odd"
if "$tmp/bin/$odd" --version >"$out" 2>"$err"; then
    run 0 "$tmp/bin/$odd" create "$pool.odd"
    is "$(of_pool "$pool.odd" creator_name)" 'k�"y'
fi

# Several pools; one without keys; one that does not exist.
run 0 "$ctl" create "$pool.empty"
run 2 "$stat" "$pool.empty" --json "$pool.none" "$pool" -i
is "$(json pools)" 2
is "$(json pools 0 provider)" "$pool.empty"
is "$(json pools 0 keys)" 0
is "$(json pools 1 provider)" "$pool"
err_has "pool $pool.none: there is no such pool"

# The only pool that is named does not exist.
run 2 "$stat" --json "$pool.none"
is "$(cat "$out")" '{"schema":1,"pools":[]}'

# Names do not depend on the locale.
run 0 env LC_ALL=C "$stat" --json "$pool"
is "$(json pools 0 keys 0 masked_key)" sk-…AAAA
