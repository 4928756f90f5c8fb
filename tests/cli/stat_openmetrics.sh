#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

command -v /usr/bin/python3 >/dev/null || skip "needs python3"

# holds_against_json POOL...: compare the metrics with the JSON.
holds_against_json() {
    run 0 "$stat" --openmetrics "$@"
    [ ! -s "$err" ] || fail "an unexpected message"
    cp "$out" "$tmp/metrics"
    run 0 "$stat" --json "$@"
    cp "$out" "$tmp/json"
    run 0 "$stat" --json --groups "$@"
    cp "$out" "$tmp/groups"
    run 0 "$stat" --json --models "$@"
    cp "$out" "$tmp/models"
    status=0
    /usr/bin/python3 "$here/stat_openmetrics.py" "$tmp/metrics" "$tmp/json" "$tmp/groups" "$tmp/models" >"$out" 2>"$err" || status=$?
    [ "$status" -ne 77 ] || skip "$(cat "$out")"
    [ "$status" -eq 0 ] || fail "the parser, or what is in it"
}

run 0 "$ctl" create "$pool.empty"
holds_against_json "$pool.empty"
out_has '1 pools$'

run 0 "$ctl" create "$pool"
feed '%s\n%s\n%s\n%s\n' "$(key AAAA)" "$(key BBBB)" "$secret" "$(key DDDD)"
run 0 "$ctl" add "$pool" <"$in"
run 0 "$ctl" next "$pool"
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 1)" rate_limited --retry-after 7260
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 2)" quota_exceeded
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 3)" invalid
run 0 "$ctl" pause "$pool" "$(id_of "$pool" 2)"
run 0 "$ctl" pause "$pool" "$(id_of "$pool" 3)"
run 0 "$FIXTURE" metadata "$pool" "$(id_of "$pool" 0)" label 'a "b" \ c, d} 1'
run 0 "$FIXTURE" metadata "$pool" "$(id_of "$pool" 1)" label "$(printf '\303\251\377')"
acme=$("$FIXTURE" group "$pool" 'acme "x" \')
run 0 "$FIXTURE" group "$pool" idle
run 0 "$FIXTURE" set-group "$pool" "$(id_of "$pool" 0)" "$acme"
run 0 "$FIXTURE" set-group "$pool" "$(id_of "$pool" 3)" "$acme"
model=$("$FIXTURE" model "$pool" gpt-4o)
run 0 "$FIXTURE" model "$pool" 'o3 {"'
holds_against_json "$pool" "$pool.empty"
# Rates at which nothing drains in the time of this test.
run 0 "$FIXTURE" limit "$pool" 0 0 requests 10 31622400000 7
run 0 "$FIXTURE" limit "$pool" "$acme" 0 tokens 10 31622400000 9
run 0 "$FIXTURE" limit "$pool" "$acme" 0 in_flight 3 0 0
run 0 "$ctl" exec "$pool" --env KEY -- true
holds_against_json "$pool" "$pool.empty"
grep -q '^keyshm_key_requests_left{.* 6$' "$tmp/metrics" || fail "no key of which a request was used"
grep -q '^keyshm_group_tokens_left{.*group="acme.* 9$' "$tmp/metrics" || fail "no group with a limit of tokens"
! grep -q '^keyshm_group_tokens_left{.*group="idle"' "$tmp/metrics" || fail "what there is no limit of has a sample"
run 0 "$FIXTURE" mark "$pool" "$acme" "$model" group quota_exceeded quota -
holds_against_json "$pool.empty" "$pool"
run 0 "$FIXTURE" mark "$pool" "$acme" 0 group rate_limited rate_limit 7260000
run 0 "$FIXTURE" pause "$pool" "$acme"
holds_against_json "$pool"

# --status and --group choose keys, and groups; the pool and its models are there in any case.
run 0 "$stat" --openmetrics --status invalid --group 'acme*' "$pool"
is "$(grep -c '^keyshm_key_picks_total{' "$out")" 1
is "$(grep -c '^keyshm_group_keys{' "$out")" 1
is "$(grep -c '^keyshm_model_available_keys{' "$out")" 2
out_has '^keyshm_pool_keys{pool="[^"]*",status="quota_exceeded"} 1$'
keep hold "$pool"
holds_against_json "$pool"

# In any locale: no decimal comma, and the masked key unchanged.
for locale in C C.UTF-8 de_DE.UTF-8; do
    run 0 env LC_ALL="$locale" "$stat" --openmetrics "$pool"
    out_has 'key="sk-…AAAA"'
    out_has '_seconds{[^}]*} [0-9]*\.[0-9][0-9][0-9]$'
done

# A pool that cannot be read does not hide the others, and the text stays complete.
run 2 "$stat" --openmetrics "$pool.none" "$pool"
is "$(tail -n 1 "$out")" '# EOF'
out_has '^keyshm_key_picks_total{'
run 0 "$stat" --openmetrics "$pool.empty"
is "$(tail -n 1 "$out")" '# EOF'
