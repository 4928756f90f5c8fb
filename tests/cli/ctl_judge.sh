#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What an answer on standard input says of a key.
. "$(dirname "$0")/lib.sh"

mkdir "$tmp/rules"
export KEYSHM_PROVIDERS="$tmp/rules"
cat >"$tmp/rules/acme.json" <<'EOF'
{"provider": "acme", "limits": {"scope": "group"},
 "models": [{"field": "error.model"}],
 "rules": [
  {"rule": "gone", "when": {"code": ["gone"]}, "means": "dead"},
  {"rule": "empty", "when": {"code": ["empty"]}, "means": "billing"},
  {"rule": "burst", "when": {"code": ["burst"]}, "means": "limit"}]}
EOF

# judge [OPTION]...: what is in $in, by the rules of acme.
judge() {
    run 0 "$ctl" judge --provider acme "$@" <"$in"
    [ ! -s "$err" ] || fail "an unexpected message"
}

# verdict LINE...: check the lines of the output.
verdict() {
    out_is "$(printf '%s\n' "$@")"
}

feed 'HTTP/1.1 429 Too Many Requests\r\nRetry-After: 30\r\nX-RateLimit-Limit-Requests: 60\r\nX-RateLimit-Remaining-Requests: 0\r\nX-RateLimit-Reset-Requests: 12s\r\n\r\n{"error": {"code": "burst", "model": "m/1"}}'
judge
verdict \
    'verdict        rate_limited for 30.0s (rate_limit)' \
    'scope          model' \
    'retry          other_key' \
    'model          m/1' \
    'requests       0 of 60 left, reset in 12.0s (model)' \
    'rule           acme/burst'
judge --json
is "$(wc -l <"$out")" 1 "lines of JSON"
is "$(json schema),$(json provider),$(json is_success)" 1,acme,false
is "$(json mark status),$(json mark duration_ms),$(json mark until_marked),$(json mark scope),$(json mark reason)" \
    rate_limited,30000,false,group,rate_limit
is "$(json scope),$(json retry),$(json wait_ms),$(json model),$(json budget_scope),$(json rule)" \
    model,other_key,-1,m/1,model,acme/burst
is "$(json requests limit),$(json requests remaining),$(json requests reset_ms),$(json tokens remaining)" 60,0,12000,-1
run 0 "$ctl" judge --provider acme.prod <"$in" # the name before the dot
out_has 'acme/burst'
run 0 "$ctl" judge --provider nobody <"$in" # the general rules
out_has '^rule  *general/'

feed 'HTTP/2 429\n\n{"error": {"code": "burst"}}'
judge
out_has '^verdict  *rate_limited for as long as the pool.s policy says (rate_limit)$'
judge --json
is "$(json mark duration_ms),$(json mark until_marked),$(json model)" null,false,null
feed 'HTTP/2 402\n\n{"error": {"code": "empty"}}'
judge
out_has '^verdict  *quota_exceeded until it is marked available (billing)$'
judge --json
is "$(json mark duration_ms),$(json mark until_marked)" null,true
feed 'HTTP/2 401\n\n{"error": {"code": "gone"}}'
judge
out_has '^verdict  *invalid (authentication)$'
feed 'HTTP/2 200\nX-RateLimit-Remaining-Requests: 7\n\n{"error": {"code": "gone"}}'
judge
verdict 'verdict        success' 'scope          none' 'retry          none' 'requests       7 left (group)' 'rule           none'
judge --json
is "$(json is_success),$(json mark),$(json rule)" true,null,null
feed 'HTTP/2 503\nRetry-After: 5\n\n'
judge
out_has '^verdict  *no mark$'
out_has '^wait  *5.0s$'

# Several heads: the last counts. What is cut counts as far as it came.
feed 'HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 307 Temporary\r\nRetry-After: 9\r\n\r\nHTTP/1.1 429 x\r\nRetry-After:\r\n 8\r\n\r\n'
judge
out_has '^verdict  *rate_limited for 8.0s'
feed 'HTTP/1.1 429 x\r\nRetry-After: 80'
judge
out_has 'as long as the pool'

# A body of any length, in a pipe.
{ printf 'HTTP/1.1 429 x\n\n' && head -c 1000000 /dev/zero && printf end >&3; } 3>"$tmp/fed" | "$ctl" judge --provider acme >"$out" 2>"$err" ||
    fail "a long body"
is "$(cat "$tmp/fed")" end "the pipe was closed too early"
out_has '^verdict  *rate_limited'

# An exchange that failed: nothing is read.
for what in timeout dns connect tls reset refused_stream; do
    run 0 "$ctl" judge --provider acme --transport "$what" <"$tmp/rules" # a directory
    out_has '^verdict  *no mark$'
    out_has '^retry  *later$'
done

# No answer.
wrong() {
    refused 1 "$ctl" judge --provider acme <"$in"
    err_has "^keyshm-ctl: standard input$1"
}
feed ''
wrong ': there is no answer in it, it is empty; '
feed '{"error": {"code": "gone"}}'
wrong ':1: it is no answer as curl -i prints it'
feed 'HTTP/1.1 429 x\nA: b\n\200\033[2J\n\n'
wrong ':3: this is neither a header field'
feed 'HTTP/1.1 100 Continue\n\n'
wrong ':2: it ends before the answer'
{ printf 'HTTP/1.1 429 x\nA: ' && head -c 300000 /dev/zero | tr '\0' x; } >"$in"
wrong ':2: the header is longer than 256 KiB'
refused 1 "$ctl" judge --provider acme <"$tmp/rules"
err_has 'cannot read standard input: Is a directory'
refused 1 "$ctl" judge --provider acme <&-
err_has 'cannot read standard input: '
on_terminal 80 "$ctl judge --provider acme </dev/tty 2>&1 || true" # nothing is typed there
out_has 'type the answer as curl -i prints it, then Ctrl-D'

# A key that comes back in an answer is not shown: not as a model, and nothing else of a body is.
feed 'HTTP/1.1 401 x\nX-Key: %s\n\n{"error": {"code": "gone", "message": "wrong key %s", "model": "%s"}}' "$(key AAAA)" "$(key AAAA)" "$(key AAAA)"
judge
judge --json
feed 'HTTP/1.1 429 x\n\n{"error": {"code": "burst", "model": "%s"}}' "$(key AAAA)"
judge
judge --json
is "$(json model)" null
feed '%s' "$(key AAAA)"
wrong ':1: '
feed 'HTTP/1.1 401 x\n%s\n\n' "$(key AAAA)"
wrong ':2: '
feed 'HTTP/1.1 429 x\n\n{"error": {"code": "burst", "model": "m\\u0085x"}}' # no terminal sequence
judge
! grep -q "$(printf '\302\205')" "$out" || fail "a control character"

# Rules that are bad are told by line, and nothing is done.
printf '{"provider": "acme",\n "nothing": 1}\n' >"$tmp/rules/b.json"
feed 'HTTP/1.1 429 x\n\n'
refused 1 "$ctl" judge --provider acme <"$in"
err_has "^keyshm-ctl: $tmp/rules/b.json:[0-9]*: "
err_has '^keyshm-ctl: the rules of the providers cannot be used before that is corrected'
export KEYSHM_PROVIDERS="$tmp/none"
refused 1 "$ctl" judge --provider acme <"$in"
err_has 'KEYSHM_PROVIDERS names or in /etc/keyshm/providers.d: No such file or directory'
