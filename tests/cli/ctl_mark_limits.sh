#!/bin/sh
# SPDX-License-Identifier: MIT
#
# mark ID available, and resume, say which limits keep a key out; other marks do not.
. "$(dirname "$0")/lib.sh"

run 0 "$ctl" create "$pool"
add "$pool" AAAA
first=$(id_of "$pool" 0)
run 0 "$ctl" group "$pool" org --put-in "$first"
group=$(cut -d ' ' -f 1 "$out")

# in_flight COMMAND [ARGUMENT]...: run keyshm-ctl while the key has a request in flight.
in_flight() {
    run 0 "$ctl" exec "$pool" --env KEY -- "$ctl" "$@"
}

# says MESSAGE: check standard error, of which MESSAGE is without its beginning.
says() {
    is "$(cat "$err")" "keyshm-ctl: pool $pool: the key with id $first stays $1"
}
silent_mark() {
    run 0 "$ctl" mark "$pool" "$first" "$@"
    silent
}

# As many requests in flight as a cap allows, of the key or its group.
run 0 "$ctl" limits "$pool" "$first" --in-flight 1
in_flight mark "$pool" "$first" available
says "at its cap of 1 request in flight; see its limits with: keyshm-ctl limits $pool $first"
in_flight resume "$pool" "$first"
says "at its cap of 1 request in flight; see its limits with: keyshm-ctl limits $pool $first"
in_flight mark "$pool" "$first" available --json
is "$(json benched_by) $(json benched_by 0)" '1 cap'
in_flight mark "$pool" "$first" rate_limited
silent
silent_mark available
run 0 "$ctl" limits "$pool" "$first" --none
run 0 "$ctl" limits "$pool" --group org --in-flight 1
in_flight mark "$pool" "$first" available
says "benched by its group, org, which is at its cap of 1 request in flight; see its limits with: keyshm-ctl limits $pool $group"
in_flight mark "$pool" --group org available
is "$(cat "$err")" "keyshm-ctl: pool $pool: the group with id $group stays at its cap of 1 request in flight; see its limits \
with: keyshm-ctl limits $pool $group"
run 0 "$ctl" limits "$pool" --group org --none

# A budget that is used up, of requests, of tokens, or both.
run 0 "$ctl" limits "$pool" "$first" --requests 1/day
run 0 "$ctl" next "$pool"
run 0 "$ctl" mark "$pool" "$first" available
says "out of requests in its budget; see its limits with: keyshm-ctl limits $pool $first"
run 0 "$ctl" mark "$pool" "$first" available --json
is "$(json benched_by) $(json benched_by 0)" '1 budget'
silent_mark quota_exceeded
run 0 "$ctl" limits "$pool" "$first" --none
silent_mark available
run 0 "$ctl" limits "$pool" "$first" --requests-long 600/day --tokens 100/day --tokens-burst 1
run 0 "$ctl" next "$pool" --tokens 5
run 0 "$ctl" mark "$pool" "$first" available
says "out of tokens in its budget; see its limits with: keyshm-ctl limits $pool $first"
run 0 "$ctl" limits "$pool" "$first" --none
run 0 "$ctl" limits "$pool" "$first" --requests 1/day --tokens 100/day --tokens-burst 1
run 0 "$ctl" next "$pool" --tokens 5
run 0 "$ctl" mark "$pool" "$first" available
says "out of requests and tokens in its budget; see its limits with: keyshm-ctl limits $pool $first"
run 0 "$ctl" limits "$pool" "$first" --none

# For a model, and of the group.
run 0 "$ctl" model "$pool" m/1
run 0 "$ctl" limits "$pool" --group org --model m/1 --requests 1/day
run 0 "$ctl" next "$pool" --model m/1
of_model="out of requests in its budget for the model m/1; see its limits with: keyshm-ctl limits $pool $group --model m/1"
run 0 "$ctl" mark "$pool" "$first" available
says "benched by its group, org, which is $of_model"
run 0 "$ctl" mark "$pool" "$first" available --model m/1
says "benched by its group, org, which is $of_model"

# Once, also where it keeps out a pick for each model.
run 0 "$ctl" limits "$pool" --group org --model m/1 --none
run 0 "$ctl" limits "$pool" --group org --requests 1/day
run 0 "$ctl" next "$pool"
run 0 "$ctl" mark "$pool" "$first" available
says "benched by its group, org, which is out of requests in its budget; see its limits with: keyshm-ctl limits $pool $group"
