#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

run 0 "$ctl" create "$pool" --cooldown 3600
add "$pool" AAAA BBBB
id=$(id_of "$pool" 0)

# marked STATUS [OPTION]...
marked() {
    run 0 "$ctl" mark "$pool" "$id" "$@"
    silent
}

# unchanged WHAT STATUS [OPTION]...: the mark changes nothing, and says what stays.
unchanged() {
    what=$1
    shift
    run 0 "$ctl" mark "$pool" "$id" "$@"
    is "$(sed 's/[0-9]*h [0-9]*m$/TIME/' "$err")" "keyshm-ctl: pool $pool: that changed nothing: the key with id $id stays $what"
}

key_is() {
    is "$(of_pool "$pool" keys 0 status)" "$1"
}

# left LEAST MOST: check the cooldown left in milliseconds, with a margin for a busy machine.
left() {
    left_ms=$(of_pool "$pool" keys 0 cooldown_left_ms)
    if [ "$left_ms" -lt "$1" ] || [ "$left_ms" -gt "$2" ]; then
        fail "a cooldown of $left_ms ms is not within $1 and $2"
    fi
}

marked available
key_is available
left 0 0
unchanged available rate_limited --retry-after 0
key_is available
marked rate_limited
key_is rate_limited
left 3000000 3600000
marked rate_limited --retry-after 8000.5
left 7500000 8000500
unchanged "rate_limited, for TIME" rate_limited --retry-after 5 # never shorter
left 7500000 8000500
marked quota_exceeded --retry-after 31622400
key_is quota_exceeded
left 31622000000 31622400000
marked quota_exceeded
left -1 -1
unchanged quota_exceeded rate_limited # never weaker
key_is quota_exceeded
left -1 -1
marked invalid
key_is invalid
left -1 -1
unchanged invalid rate_limited --retry-after 1
key_is invalid
marked available
key_is available
left 0 0

is "$(of_pool "$pool" keys 0 error_count)" 1
is "$(of_pool "$pool" keys 0 marked available)" 2
is "$(of_pool "$pool" keys 0 marked rate_limited)" 6
is "$(of_pool "$pool" keys 0 marked quota_exceeded)" 2
is "$(of_pool "$pool" keys 0 marked invalid)" 1
is "$(of_pool "$pool" keys 1 marked invalid)" 0

# A pool without a default cooldown.
run 0 "$ctl" create "$pool.until" --cooldown 0
add "$pool.until" AAAA
run 0 "$ctl" mark "$pool.until" "$(id_of "$pool.until" 0)" rate_limited
is "$(of_pool "$pool.until" keys 0 cooldown_left_ms)" -1

# Until a time: in the local time zone, or in another.
for time in "$(date -d '+2 hours' '+%FT%T')" "$(date -d '+2 hours' '+%F %H:%M:%S')" "$(date -u -d '+2 hours' '+%FT%TZ')" \
    "$(TZ=XXX-05:30 date -d '+2 hours' '+%FT%T+05:30')"; do
    marked available
    marked quota_exceeded --until "$time"
    left 7000000 7200000
done
marked available
unchanged available rate_limited --until 2020-01-01 # that moment has passed
for bad in '' tomorrow 2026-13-01 2026-12-01T25:00 2026-12-01x 9999-01-01 "$(key AAAA)"; do
    refused 1 "$ctl" mark "$pool" "$id" rate_limited --until "$bad"
    err_has '^keyshm-ctl: mark: --until must be a time within 366 days, such as '
done

# Why.
run 0 "$ctl" mark "$pool" "$id" invalid --json
is "$(json reason) $(json changed)" 'authentication 1'
run 0 "$ctl" mark "$pool" "$id" invalid --reason operator --json
is "$(json reason) $(json changed)" 'operator 1'
run 0 "$ctl" mark "$pool" "$id" invalid --reason billing --json
is "$(json reason) $(json changed)" 'operator 0'
refused 1 "$ctl" mark "$pool" "$id" invalid --reason nothing
err_has 'mark: --reason must be peer, budget, '
refused 1 "$ctl" mark "$pool" "$id" available --reason operator

# All: benches that end by themselves, and with --status others.
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 1)" rate_limited
run 0 "$ctl" mark "$pool" all available
out_is 1
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 1)" quota_exceeded
run 0 "$ctl" mark "$pool" all available --status rate_limited
out_is 0
run 0 "$ctl" mark "$pool" all available --status quota_exceeded --status invalid --json
is "$(json changed) $(json id)" '2 0'
key_is available
refused 1 "$ctl" mark "$pool" all invalid
err_has '^keyshm-ctl: mark: all goes with available alone$'
refused 1 "$ctl" mark "$pool" "$id" available --status invalid
err_has '^keyshm-ctl: mark: --status goes with all$'

# Statuses that take no duration.
for status in available invalid; do
    refused 1 "$ctl" mark "$pool" "$id" "$status" --retry-after 5
    err_has "mark: --retry-after and --until go with rate_limited or quota_exceeded"
done
for bad in '' -1 1e9 x 31622400.001 99999999999999999999; do
    refused 1 "$ctl" mark "$pool" "$id" rate_limited --retry-after "$bad"
    err_has 'mark: --retry-after must be seconds from 0 to 31622400 '
done

# Not a status; not an id; not in the pool.
for bad in '' AVAILABLE available1 "$(key CCCC)"; do
    refused 1 "$ctl" mark "$pool" "$id" "$bad"
    err_has 'mark: STATUS must be available, rate_limited, quota_exceeded or invalid\(, not "[^"]*"\)\?$'
done
for bad in '' x 1x 0x10 ' 1' +1 1.0 "$(key AAAA)" 18446744073709551616; do
    refused 1 "$ctl" mark "$pool" "$bad" invalid
    err_has 'mark: ID must be a number, as keyshm-stat --ids shows it, or the masked form of a key, such as sk-...6789, or all\(, not "[^"]*"\)\?$'
done
for stale in 0 1 "$((id + 2))" "$((id + 16777216))" 18446744073709551615; do
    refused 1 "$ctl" mark "$pool" "$stale" invalid
    err_has "pool $pool: no key has this id, or it was removed; see the ids with: keyshm-stat --ids $pool$"
done
refused 2 "$ctl" mark "$pool.none" "$id" invalid
key_is available
