#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

# The defaults.
run 0 "$ctl" create "$pool"
silent
is "$(of_pool "$pool" capacity)" 1024
is "$(of_pool "$pool" key_max)" 512
is "$(of_pool "$pool" default_cooldown_ms)" 60000
is "$(of_pool "$pool" count)" 0
is "$(of_pool "$pool" creator_uid)" "$(id -u)"
is "$(of_pool "$pool" creator_name)" keyshm-ctl
is "$(stat -c %a "$segment")" 600 "mode of the segment"

# The pool already exists, and does not change.
add "$pool" AAAA
refused 1 "$ctl" create "$pool" --capacity 5
err_has "there is one already; see it with: keyshm-stat $pool"
is "$(of_pool "$pool" capacity)" 1024
holds 1

# Options in any position, even if POSIXLY_CORRECT requires them first.
run 0 env POSIXLY_CORRECT=1 "$ctl" --capacity=1 create --key-max 20 "$pool.small" --cooldown 1.5
is "$(of_pool "$pool.small" capacity)" 1
is "$(of_pool "$pool.small" key_max)" 20
is "$(of_pool "$pool.small" default_cooldown_ms)" 1500

run 0 "$ctl" create "$pool.wide" --capacity 3 --key-max 4096
is "$(of_pool "$pool.wide" key_max)" 4096

for bad in '' 0 -1 +5 1.5 1e3 0x10 ' 5' '5 ' 5k ten 1048577 4294967297 18446744073709551617 99999999999999999999999999; do
    refused 1 "$ctl" create "$pool.bad" --capacity "$bad"
    err_has '^keyshm-ctl: create: --capacity must be a number from 1 to 1048576\(, not "[^"]*"\)\?$'
done
run 0 "$ctl" create "$pool.groups" --groups-max 0 --models-max 1024 --json
is "$(json groups_max) $(json models_max)" '0 1024'
run 0 "$ctl" create "$pool.places" --in-flight-max 0 --group-in-flight-max 1024 --json
is "$(json in_flight_max) $(json group_in_flight_max)" '0 1024'
run 0 "$ctl" create "$pool.most" --in-flight-max 64 --group-in-flight-max 0 --capacity 2 --json
is "$(json in_flight_max) $(json group_in_flight_max)" '64 0'
run 0 "$ctl" create "$pool.rules" --provider-rules Open-AI_2.0 --json
is "$(json provider_rules)" Open-AI_2.0
is "$(of_pool "$pool.rules" provider_rules)" Open-AI_2.0
run 0 "$ctl" create "$pool.named" --json
is "$(json provider_rules)" "$pool.named"
for bad in '' .openai open/ai 'open ai' "$(printf '%065d' 0)"; do
    refused 1 "$ctl" create "$pool.bad" --provider-rules "$bad"
    err_has '^keyshm-ctl: create: --provider-rules must be 1 to 64 of A-Z a-z 0-9 . _ -, the first not a dot\(, not "[^"]*"\)\?$'
done
for bad in '' -1 65 1.5 18446744073709551617; do
    refused 1 "$ctl" create "$pool.bad" --in-flight-max "$bad"
    err_has '^keyshm-ctl: create: --in-flight-max must be a number from 0 to 64\(, not "[^"]*"\)\?$'
done
for option in --groups-max --models-max --group-in-flight-max; do
    for bad in '' -1 1025 1.5 18446744073709551617; do
        refused 1 "$ctl" create "$pool.bad" "$option" "$bad"
        err_has "^keyshm-ctl: create: $option must be a number from 0 to 1024\\(, not \"[^\"]*\"\\)\\?$"
    done
done
for bad in '' 0 -1 4097 18446744073709551617; do
    refused 1 "$ctl" create "$pool.bad" --key-max "$bad"
    err_has '^keyshm-ctl: create: --key-max must be a number from 1 to 4096\(, not "[^"]*"\)\?$'
done

seconds_are() {
    run 0 "$ctl" create "$pool.seconds" --cooldown "$1"
    is "$(of_pool "$pool.seconds" default_cooldown_ms)" "$2" "--cooldown $1"
    run 0 "$ctl" destroy "$pool.seconds"
}
seconds_are 0 0
seconds_are 0.000 0
seconds_are 0.0001 1
seconds_are 0.001 1
seconds_are 0.0010 1
seconds_are 0.00100001 2
seconds_are 0.25 250
seconds_are 007 7000
seconds_are 59.9999 60000
seconds_are 31622400 31622400000
seconds_are 31622400.0 31622400000

for bad in '' -1 -0.5 +1 . .5 5. 1.2.3 1,5 1e3 0x10 nan inf ' 1' '1 ' 60s 31622400.0001 31622401 18446744073709551.616 \
    99999999999999999999999999; do
    refused 1 "$ctl" create "$pool.bad" --cooldown "$bad"
    err_has '^keyshm-ctl: create: --cooldown must be seconds from 0 to 31622400 '
done

# Names.
long=$(printf '%064d' 0 | tr 0 a)
longest=$(printf '%s%s' "$pool" "$long" | cut -c 1-64)
run 0 "$ctl" create "$longest"
run 0 "$ctl" destroy "$longest"
run 0 "$ctl" create "$pool._-.Z9"
for bad in '' . .. .hidden a/b ../x 'a b' "a$(printf '\nb')" ä "${longest}x"; do
    refused 1 "$ctl" create "$bad"
    err_has "cannot be a pool's name"
    if [ "${#bad}" -gt 3 ]; then
        ! grep -qF "$bad" "$err" || fail "the message repeats an argument that may be a secret"
    fi
done
[ ! -e "$segments.$pool.bad" ] || fail "the refused pool was created"
