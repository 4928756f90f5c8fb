#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

run 0 "$ctl" create "$pool" --in-flight-max 5 --group-in-flight-max 9
add "$pool" AAAA BBBB
first=$(id_of "$pool" 0)
second=$(id_of "$pool" 1)
run 0 "$ctl" group "$pool" org-a --put-in "$first"
group=$(cut -d ' ' -f 1 "$out")
run 0 "$ctl" group "$pool" "it's org b"
run 0 "$ctl" model "$pool" m/1
run 0 "$ctl" limits "$pool"
out_is 'all --none'
run 0 "$ctl" limits "$pool" "$first"
out_is "$first --none"

# picks N: so many can be picked now.
picks() {
    local count=0
    while [ "$count" -lt 100 ] && "$ctl" next "$pool" >/dev/null 2>&1; do
        count=$((count + 1))
    done
    is "$count" "$1" "picks"
}

# They are in force at once, for all keys, and only what is given is changed.
run 0 "$ctl" limits "$pool" --requests 12/day
silent
picks 4
run 0 "$ctl" limits "$pool" all --tokens 90k/min
run 0 "$ctl" limits "$pool" all
out_is 'all --requests 12/day --requests-burst 2 --tokens 90k/min --tokens-burst 15k --tokens-charge release'
run 0 "$ctl" limits "$pool" --tokens-burst 2M --tokens-charge pick --requests-burst 3
run 0 "$ctl" limits "$pool"
out_is 'all --requests 12/day --requests-burst 3 --tokens 90k/min --tokens-burst 2M --tokens-charge pick'
picks 2

# A rate that is given without its burst has a sixth, and its charge stays.
run 0 "$ctl" limits "$pool" --tokens 5/min --requests none
run 0 "$ctl" limits "$pool"
out_is 'all --tokens 5/min --tokens-burst 1 --tokens-charge pick'
picks 100

# Of a group, a key and a model, by id, masked form and name. A key begins with those of the pool.
run 0 "$ctl" limits "$pool" --group org-a --in-flight 9
run 0 "$ctl" limits "$pool" "$group" --requests-long 1000/day
run 0 "$ctl" limits "$pool" "$group" --model m/1 --requests 8/600ms
run 0 "$ctl" limits "$pool" sk-...BBBB --tokens-long 1M/24h --tokens-long-charge pick --in-flight 5
run 0 "$ctl" limits "$pool" --group "it's org b" --requests 1/s
run 0 "$ctl" limits "$pool" --model m/1 --requests 2/h
run 0 "$ctl" limits "$pool"
out_is "all --tokens 5/min --tokens-burst 1 --tokens-charge pick
all --model m/1 --requests 2/h --requests-burst 1
--group org-a --requests-long 1000/day --requests-long-burst 166 --in-flight 9
--group org-a --model m/1 --requests 8/600ms --requests-burst 1
--group 'it'\\''s org b' --requests 1/s --requests-burst 1
$second --tokens 5/min --tokens-burst 1 --tokens-charge pick --tokens-long 1M/day --tokens-long-burst 166666 --tokens-long-charge pick --in-flight 5"
run 0 "$ctl" limits "$pool" --group org-a
is "$(wc -l <"$out")" 2
run 0 "$ctl" limits "$pool" --group org-a --model m/1
out_is '--group org-a --model m/1 --requests 8/600ms --requests-burst 1'
run 0 "$ctl" limits "$pool" "$first" --model m/1
out_is "$first --model m/1 --requests 2/h --requests-burst 1"

# As JSON, after a change as well.
run 0 "$ctl" limits "$pool" "$second" --in-flight 4 --tokens none --json
is "$(json limits 0 id) $(json limits 0 group) $(json limits 0 model)" "$second null null"
is "$(json limits 0 in_flight) $(json limits 0 tokens) $(json limits 0 requests)" '4 null null'
is "$(json limits 0 tokens_long amount) $(json limits 0 tokens_long per_ms)" '1000000 86400000'
is "$(json limits 0 tokens_long burst) $(json limits 0 tokens_long charge)" '166666 pick'
run 0 "$ctl" limits "$pool" --json
is "$(json limits) $(json limits 3 group) $(json limits 3 model) $(json limits 3 requests charge)" '6 org-a m/1 pick'

# None of its own any longer, or free of those of the pool.
run 0 "$ctl" limits "$pool" "$second" --none
run 0 "$ctl" limits "$pool" "$second"
out_is "$second --tokens 5/min --tokens-burst 1 --tokens-charge pick"
run 0 "$ctl" limits "$pool" "$second" --tokens none
run 0 "$ctl" limits "$pool" "$second"
out_is "$second --requests none"
run 0 "$ctl" limits "$pool" --group org-a --in-flight none --json
is "$(json limits 0 in_flight)" 0
run 0 "$ctl" limits "$pool" "$second" --none
run 0 "$ctl" limits "$pool" --none
run 0 "$ctl" limits "$pool"
is "$(head -n 2 "$out" | tr '\n' ' ')" 'all --none all --model m/1 --requests 2/h --requests-burst 1 '

# Each is printed as it is given.
for rate in 1/ms 7/s 10000/2s 10k/90s 9999/min 60/90min 11k/h 1M/3h 5M/day 3/366day 12345678/1500ms 9223372036854775807/ms; do
    run 0 "$ctl" limits "$pool" --requests-long "$rate"
    run 0 "$ctl" limits "$pool" all
    out_has "^all --requests-long $(printf '%s' "$rate" | sed 's/^10000/10k/') --requests-long-burst [0-9]*[kM]\?\$"
done
# is_same RATE RATE: they are.
is_same() {
    run 0 "$ctl" limits "$pool" --requests-long "$1"
    run 0 "$ctl" limits "$pool" all
    out_has "^all --requests-long $2 "
}
is_same 8/0.6 8/600ms
is_same 8/60 8/min
is_same 8/1.5h 8/90min
is_same 8/0.0001 8/ms
is_same 1000k/60min 1M/h
is_same 1k/24h 1000/day

# A mistake changes nothing.
run 0 "$ctl" limits "$pool"
mv "$out" "$tmp/limits"
unchanged() {
    run 0 "$ctl" limits "$pool"
    cmp -s "$out" "$tmp/limits" || fail "$*: something has changed"
}
for option in --requests --tokens --requests-long --tokens-long; do
    for rate in '' 60 / 60/ /min 0/min 60/mins 60/0 60/0min -1/min 60/-1 1.5/min 60K/min 60kk/min 60/min/min 60/367day ' 60/min' \
        60/1e3 9223372036854775808/min 9223372036854776k/s 60/0.0ms 60/1.5ms 60/.5min all; do
        refused 1 "$ctl" limits "$pool" --requests-long 5/min "$option" "$rate"
        err_has "^keyshm-ctl: limits: $option must be an amount and a time, such as 60/min, 90k/min, 1000/day or 8/600ms, or none"
        unchanged "$option $rate"
    done
done
for option in --requests-burst --tokens-burst --requests-long-burst --tokens-long-burst; do
    for burst in '' 0 -1 none 1.5 5K 5/min 9223372036854775808; do
        refused 1 "$ctl" limits "$pool" --requests-long 5/min "$option" "$burst"
        err_has "^keyshm-ctl: limits: $option must be a number from 1 on, such as 10, 15k or 2M"
    done
done
for option in --tokens-charge --tokens-long-charge; do
    for charge in '' Pick at both; do
        refused 1 "$ctl" limits "$pool" --tokens 5/min --tokens-long 5/min "$option" "$charge"
        err_has "^keyshm-ctl: limits: $option must be pick or release"
    done
done
for cap in '' 0 -1 x 1025 4k; do
    refused 1 "$ctl" limits "$pool" --in-flight "$cap"
    err_has '^keyshm-ctl: limits: --in-flight must be a number from 1 to 1024, or none'
done
unchanged "a mistake"

# refused_as MESSAGE ARGUMENT...: refused with that message.
refused_as() {
    local message="$1"
    shift
    refused 1 "$ctl" limits "$pool" "$@"
    is "$(head -n 1 "$err")" "keyshm-ctl: $message"
    unchanged "$*"
}
made='the pool was made for a cap of up to'
more='more need one made with: keyshm-ctl create'
refused_as "pool $pool: $made 5 requests in flight of a key; $more --in-flight-max N; nothing was changed" --in-flight 6
refused_as "pool $pool: $made 5 requests in flight of a key; $more --in-flight-max N; nothing was changed" "$first" --in-flight 6
refused_as "pool $pool: $made 9 requests in flight of a group; $more --group-in-flight-max N; nothing was changed" \
    --group org-a --in-flight 10
refused_as "pool $pool: a cap of requests in flight is for whatever the model, not for one; nothing was changed" \
    --model m/1 --in-flight 1
refused_as "pool $pool: --tokens-charge goes with --tokens, and there is no such rate; nothing was changed" \
    --tokens-charge pick
refused_as "pool $pool: --tokens-long-burst goes with --tokens-long, and there is no such rate; nothing was changed" \
    --tokens-long none --tokens-long-burst 5
refused_as "pool $pool: the pool has no group of that name; make it with: keyshm-ctl group $pool NAME" \
    --group org --requests 5/min
refused_as "pool $pool: the pool has no model of that name; make it with: keyshm-ctl model $pool NAME" \
    --model m --requests 5/min
refused_as "pool $pool: no key or group has that id, or it was removed; see the ids with: keyshm-stat --ids $pool" 99 \
    --requests 5/min
refused_as 'limits: --none and a limit do not go together' --none --requests 5/min
refused_as 'limits: ID and --group do not go together' "$first" --group org-a --requests 5/min
refused_as 'limits: --dry-run goes with --file' --dry-run --requests 5/min
refused 2 "$ctl" limits "$pool.none"
refused 2 "$ctl" limits "$pool.none" --requests 5/min

# Tokens are charged as the provider of the pool's rules counts them, unless it is said how.
run 0 "$ctl" create "$pool.rules" --provider-rules bedrock
run 0 "$ctl" limits "$pool.rules" --tokens 90k/min
run 0 "$ctl" limits "$pool.rules"
out_is 'all --tokens 90k/min --tokens-burst 15k --tokens-charge pick'
run 0 "$ctl" limits "$pool.rules" --tokens 80k/min --tokens-charge release
run 0 "$ctl" limits "$pool.rules" --tokens 60k/min
run 0 "$ctl" limits "$pool.rules"
out_is 'all --tokens 60k/min --tokens-burst 10k --tokens-charge release'
feed '%s\n' 'all --tokens 90k/min --tokens-long 1M/day --tokens-long-charge release'
run 0 "$ctl" limits "$pool.rules" --file - <"$in"
run 0 "$ctl" limits "$pool.rules"
out_is 'all --tokens 90k/min --tokens-burst 15k --tokens-charge pick --tokens-long 1M/day --tokens-long-burst 166666 --tokens-long-charge release'

# A provider that counts by account: a rate of each key by itself is set, and a warning says what would be meant.
add "$pool.rules" AAAA BBBB
first=$(id_of "$pool.rules" 0)
run 0 "$ctl" limits "$pool.rules" "$first" --requests 60/min
silent
run 0 "$ctl" group "$pool.rules" org --put-in "$first"
warning=': the provider counts all keys of an account together, and this limits each key by itself; with --group NAME it would be all keys of the group'
for subject in all "$first"; do
    run 0 "$ctl" limits "$pool.rules" "$subject" --requests 50/min
    is "$(cat "$err")" "keyshm-ctl: $pool.rules$warning"
done
feed '%s\n' '--group org --requests 5/s' 'sk-...BBBB --requests 5/s' "$first --requests 5/s"
run 0 "$ctl" limits "$pool.rules" --file - --dry-run <"$in"
is "$(cat "$err")" "keyshm-ctl: standard input:3$warning"
for subject in "--group org" sk-...BBBB; do
    # shellcheck disable=SC2086
    run 0 "$ctl" limits "$pool.rules" $subject --requests 50/min
    silent
done
run 0 "$ctl" limits "$pool.rules" "$first" --none
silent
run 0 "$ctl" limits "$pool" --requests 60/min # its groups are none of an account, as far as the rules say
silent
run 0 "$ctl" limits "$pool" --requests none
run 0 "$ctl" destroy "$pool.rules"
