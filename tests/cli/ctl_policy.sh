#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

run 0 "$ctl" create "$pool" --cooldown 1.5
add "$pool" AAAA
id=$(id_of "$pool" 0)
run 0 "$ctl" policy "$pool"
out_is 'cooldown=1.500
cooldown-growth=100
cooldown-max=86400
streak-forget=600
invalid-after=1
invalid-retry=never
quota-retry=never
probe=off
lease-max=600'

# It is changed at once, and only what is given.
run 0 "$ctl" policy "$pool" cooldown=0
silent
run 0 "$ctl" mark "$pool" "$id" rate_limited
is "$(of_pool "$pool" keys 0 cooldown_left_ms)" -1
run 0 "$ctl" policy "$pool" cooldown-max=3600 --json
is "$(json cooldown_ms) $(json cooldown_max_ms)" '0 3600000'
run 0 "$ctl" mark "$pool" "$id" available
run 0 "$ctl" mark "$pool" "$id" rate_limited --retry-after 7200
[ "$(of_pool "$pool" keys 0 cooldown_left_ms)" -le 3600100 ] || fail "longer than the longest"
run 0 "$stat" --events --raw --noheadings -o kind "$pool"
out_has '^settings$'

# What is printed can be given.
other="cooldown=20 cooldown-growth=200 cooldown-max=3600 streak-forget=7200 invalid-after=3 invalid-retry=86400 quota-retry=0.500 probe=10 lease-max=never"
# shellcheck disable=SC2086
run 0 "$ctl" policy "$pool" $other
run 0 "$ctl" policy "$pool"
is "$(tr '\n' ' ' <"$out")" "$other "
run 0 "$ctl" policy "$pool" invalid-retry=never quota-retry=never probe=off --json
is "$(json invalid_retry_ms) $(json quota_retry_ms) $(json probe_ms) $(json lease_max_ms)" '-1 -1 0 0'
is "$(json cooldown_growth_percent) $(json invalid_after) $(json streak_forget_ms)" '200 3 7200000'

# A mistake changes nothing.
run 0 "$ctl" policy "$pool"
mv "$out" "$tmp/policy"
for setting in cooldown cooldown= =5 cooldown=x cooldown=-1 cooldown=never cooldown-max=0 cooldown-growth=99 \
    cooldown-growth=1001 cooldown-growth=150.5 streak-forget=0 invalid-after=0 invalid-after=256 probe=never \
    invalid-retry=0 lease-max=0.5 cooldown_max=5 cooldown-max=31622400.001; do
    refused 1 "$ctl" policy "$pool" probe=5 "$setting"
    err_has "^keyshm-ctl: policy: SETTING=VALUE must be a setting and its value, in seconds where it is a time; "
    run 0 "$ctl" policy "$pool"
    cmp -s "$out" "$tmp/policy" || fail "$setting: something has changed"
done
refused 2 "$ctl" policy "$pool.none"

# ---- what it does, and success ----

# picks_one: the stamp of a pick of the only key.
stamp() {
    run 0 "$ctl" next "$pool" --json
    json stamp
}
run 0 "$ctl" policy "$pool" cooldown=0.05 cooldown-growth=100 probe=100 invalid-after=1
run 0 "$ctl" mark "$pool" "$id" available
stamp >/dev/null
run 0 "$ctl" mark "$pool" "$id" rate_limited
is "$(of_pool "$pool" keys 0 streak)" 1
sleep 0.1
probe=$(stamp)
run 4 "$ctl" next "$pool"
is "$(of_pool "$pool" keys 0 is_probing)" true
run 0 "$stat" --raw --noheadings -o probe,streak "$pool"
out_is 'probe 1'
run 0 "$ctl" success "$pool" "$id" --stamp "$probe"
silent
is "$(of_pool "$pool" keys 0 is_probing) $(of_pool "$pool" keys 0 streak)" 'false 0'
stamp >/dev/null
refused 1 "$ctl" success "$pool" "$id"
err_has '^keyshm-ctl: success: --stamp is missing'
for value in 0 -1 x 99999999999999999999; do
    refused 1 "$ctl" success "$pool" "$id" --stamp "$value"
    err_has '^keyshm-ctl: success: --stamp must be a number from 1 on'
done
refused 1 "$ctl" success "$pool" "$id" --stamp "$probe" --model none
refused 1 "$ctl" success "$pool" 99 --stamp "$probe"
run 0 "$ctl" success "$pool" "$id" --stamp "$probe" --json
is "$(json id)" "$id"
