#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The answer that a key got, told to its pool; and exec --report, with the answer in a file.
. "$(dirname "$0")/lib.sh"

mkdir "$tmp/rules"
export KEYSHM_PROVIDERS="$tmp/rules"
# The pool has a provider of its own name, and acme is another.
sed "s/NAME/$pool/" >"$tmp/rules/own.json" <<'EOF'
{"provider": "NAME", "limits": {"scope": "key"},
 "models": [{"field": "error.model"}],
 "rules": [
  {"rule": "gone", "when": {"code": ["gone"]}, "means": "dead"},
  {"rule": "burst", "when": {"code": ["burst"]}, "means": "limit"}]}
EOF
cat >"$tmp/rules/acme.json" <<'EOF'
{"provider": "acme", "limits": {"scope": "group"}, "rules": [{"rule": "burst", "when": {"code": ["burst"]}, "means": "quota"}]}
EOF
run 0 "$ctl" create "$pool"
add "$pool" AAAA BBBB
first=$(id_of "$pool" 0)
second=$(id_of "$pool" 1)
run 0 "$ctl" group "$pool" org --put-in "$first,$second"
group=$(cut -d ' ' -f 1 "$out")

# is_now SLOT STATUS
is_now() {
    is "$(of_pool "$pool" keys "$1" status)" "$2" "slot $1"
}

available() {
    run 0 "$ctl" mark "$pool" "$first" available
    run 0 "$ctl" mark "$pool" "$second" available
    run 0 "$ctl" mark "$pool" --group org available
}

# tell [OPTION]...: report what is in $in for the first key.
tell() {
    run 0 "$ctl" report "$pool" "$first" "$@" <"$in"
    [ ! -s "$err" ] || fail "an unexpected message"
}

# ---- report ----

feed 'HTTP/1.1 429 x\r\nRetry-After: 600\r\n\r\n{"error": {"code": "burst"}}'
tell
silent
is_now 0 rate_limited
is_now 1 available
is "$(of_pool "$pool" keys 0 reason)" rate_limit
left_ms=$(of_pool "$pool" keys 0 cooldown_left_ms)
[ "$left_ms" -gt 300000 ] && [ "$left_ms" -le 600001 ] || fail "$left_ms ms are left"
tell --verbose
out_has "^rule  *$pool/burst$"
tell --json
is "$(json provider),$(json id),$(json mark status),$(json rule)" "$pool,$first,rate_limited,$pool/burst"
available
tell --provider acme --json # by other rules, for the group
is "$(json rule),$(json scope)" acme/burst,group
is "$(of_pool "$pool" status_count quota_exceeded)" 2 "keys of the group"
available
run 0 "$ctl" report "$pool" sk-...BBBB <"$in" # the masked form
is_now 1 rate_limited
available

run 0 "$ctl" create "$pool.ruled" --provider-rules acme # the rules of the pool
add "$pool.ruled" DDDD
feed 'HTTP/1.1 429 x\n\n{"error": {"code": "burst"}}'
run 0 "$ctl" report "$pool.ruled" "$(id_of "$pool.ruled" 0)" --verbose <"$in"
out_has '^rule  *acme/burst$'
is "$(of_pool "$pool.ruled" keys 0 status)" quota_exceeded

# For a model: what is said of it is said for that, and without one it is for all.
feed 'HTTP/1.1 429 x\nRetry-After: 600\n\n{"error": {"code": "burst", "model": "m/1"}}'
tell --model m/1
run 0 "$stat" --json --model m/1 "$pool"
is "$(json pools 0 status_count rate_limited)" 2 "keys for the model"
is "$(of_pool "$pool" status_count rate_limited)" 0 "keys whatever the model"
available
tell
is "$(of_pool "$pool" status_count rate_limited)" 2 "keys without a model"
available

# What is left is observed.
run 0 "$ctl" limits "$pool" --requests 100/day --requests-burst 100
feed 'HTTP/1.1 200 OK\nX-RateLimit-Limit-Requests: 100\nX-RateLimit-Remaining-Requests: 3\nX-RateLimit-Reset-Requests: 900\n\n'
tell
silent
is "$(of_pool "$pool" keys 0 requests_left)" 3 "requests"
run 0 "$ctl" limits "$pool" --none

# A success ends a streak, but only with the stamp of the pick.
streak() {
    run 0 "$ctl" export "$pool"
    json keys 0 streak rate_limits
}
run 0 "$ctl" policy "$pool" cooldown-growth=200 cooldown=0.001 # so that streaks count
run 0 "$ctl" mark "$pool" "$first" rate_limited
until [ "$(of_pool "$pool" keys 0 status)" = available ]; do sleep 0.01; done
is "$(streak)" 1
feed 'HTTP/1.1 200 OK\n\n'
tell
is "$(streak)" 1 "without a stamp"
run 0 "$ctl" next "$pool" --json
while [ "$(json id)" != "$first" ]; do run 0 "$ctl" next "$pool" --json; done
stamp=$(json stamp)
tell --stamp "$stamp"
run 0 "$ctl" export "$pool"
is "$(json keys 0 streak)" null "after the success"
run 0 "$ctl" policy "$pool" cooldown-growth=100 cooldown=600

# What is about the provider or the request changes nothing.
for status in 400 500 503; do
    feed "HTTP/1.1 $status x\n\n"
    tell
    is_now 0 available
done
run 0 "$ctl" report "$pool" "$first" --transport timeout <&-
is_now 0 available

# Wrong input, wrong ids: nothing is marked.
feed 'HTTP/1.1 401 x\nbad line\n\n{"error": {"code": "gone"}}'
refused 1 "$ctl" report "$pool" "$first" --model new <"$in"
err_has '^keyshm-ctl: standard input:2: .*; nothing was marked$'
is_now 0 available
run 0 "$ctl" model "$pool"
! grep -q new "$out" || fail "a model was made"
feed 'HTTP/1.1 401 x\n\n{"error": {"code": "gone", "message": "%s is wrong", "model": "%s"}}' "$(key AAAA)" "$(key AAAA)"
refused 1 "$ctl" report "$pool" "$group" <"$in"
err_has 'is the id of a group, not of a key'
refused 1 "$ctl" report "$pool" 4711 <"$in"
err_has 'is the id of no key'
refused 2 "$ctl" report "$pool.none" 1 <"$in"
is "$(of_pool "$pool" status_count invalid)" 0
tell --verbose --json
tell --verbose
is_now 0 invalid
available

# A model that is a key of the pool is not shown, whatever it begins with.
odd=$(key CCCC | cut -c 4-)
printf '%s\n' "$odd" | "$ctl" add "$pool" >"$out" 2>"$err"
feed 'HTTP/1.1 429 x\n\n{"error": {"code": "burst", "model": "%s"}}' "$odd"
tell --json
is "$(json model)" null
available
run 0 "$ctl" remove "$pool" "$(id_of "$pool" 2)"

# A bad file of rules: nothing is marked.
echo '{"provider": 1}' >"$tmp/rules/z.json"
refused 1 "$ctl" report "$pool" "$first" <"$in"
err_has "^keyshm-ctl: $tmp/rules/z.json:1: "
picks=$(of_pool "$pool" keys 0 picks),$(of_pool "$pool" keys 1 picks)
refused 1 "$ctl" exec "$pool" --env API_KEY --report "$tmp/answer" -- true
is "$(of_pool "$pool" keys 0 picks),$(of_pool "$pool" keys 1 picks)" "$picks" "picks"
rm "$tmp/rules/z.json"
is "$(of_pool "$pool" status_count available)" 2

# ---- exec --report ----

answer=$tmp/answer

# with STATUS [OPTION]... -- COMMAND...
with() {
    wanted=$1
    shift
    run "$wanted" "$ctl" exec "$pool" --env API_KEY --report "$answer" "$@"
}

# marked N: so many keys are benched; make them available.
marked() {
    is "$(of_pool "$pool" status_count available)" "$((2 - $1))" "available keys"
    available
}

# writes EXIT-STATUS ANSWER: the words of a command that leaves this answer, with the key in it.
# shellcheck disable=SC2016
writes='printf "$1\n\n{\"error\": {\"code\": \"$2\", \"message\": \"$API_KEY\"}}" >"$3"; exit "$0"'

with 22 -- sh -c "$writes" 22 'HTTP/1.1 429 x' burst "$answer"
silent
is "$(of_pool "$pool" status_count rate_limited)" 1
marked 1
with 22 --provider acme -- sh -c "$writes" 22 'HTTP/1.1 429 x' burst "$answer"
is "$(of_pool "$pool" status_count quota_exceeded)" 2
marked 2
with 0 --model m/1 -- sh -c "$writes" 0 'HTTP/1.1 401 x' gone "$answer"
is "$(of_pool "$pool" status_count invalid)" 1
marked 1

# An answer counts more than the exit status, also if it says nothing of the key.
with 22 --on-status '*=invalid' -- sh -c "$writes" 22 'HTTP/1.1 429 x' burst "$answer"
is "$(of_pool "$pool" status_count rate_limited),$(of_pool "$pool" status_count invalid)" 1,0
marked 1
with 22 --on-status '*=invalid' -- sh -c "$writes" 22 'HTTP/1.1 500 x' nothing "$answer"
silent
marked 0

# The same answer again, just after it was written: the clock of files may not have moved, so it is waited for that.
printf 'HTTP/1.1 400 x\n\n' >"$tmp/same"
for _ in 1 2 3 4 5; do
    cat "$tmp/same" >"$answer"
    with 0 -- cp "$tmp/same" "$answer"
    silent
done
soon=$(($(date +%s%N) + 150000000))
touch -d "@$((soon / 1000000000)).$(printf %09d $((soon % 1000000000)))" "$answer"
# shellcheck disable=SC2016
with 0 -- sh -c 'cat "$0" >"$1" && date +%s%N' "$tmp/same" "$answer"
[ "$(cat "$out")" -gt "$soon" ] || fail "COMMAND was started while the clock of files stood still"

# Not written: said, and the exit status counts.
with 7 -- sh -c 'exit 7'
err_has '^keyshm-ctl: COMMAND has written no answer to the file given with --report: it is as it was before$'
marked 0
with 7 --on-status 7=rate_limited -- sh -c 'exit 7'
marked 1
rm "$answer"
with 0 -- true
err_has 'COMMAND has written no answer to the file given with --report: there is none$'
marked 0
with 0 -- touch "$answer"
err_has "^keyshm-ctl: $answer: there is no answer in it, it is empty; nothing was marked"
marked 0
# shellcheck disable=SC2016
with 9 --on-status 9=invalid -- sh -c 'printf "%s\n" "$API_KEY" >"$0"; exit 9' "$answer"
err_has "^keyshm-ctl: $answer:1: it is no answer as curl -i prints it"
marked 1
# shellcheck disable=SC2016
with 0 -- sh -c 'rm "$0" && mkfifo "$0"' "$answer"
err_has 'it is not a regular file any longer$'
marked 0

# The stamp is that of the pick: a success does not end a streak that another request has begun meanwhile.
rm "$answer"
run 0 "$ctl" policy "$pool" cooldown-growth=200
# shellcheck disable=SC2016
fails='"$0" mark "$1" "$2" rate_limited && "$0" mark "$1" "$3" rate_limited && printf "HTTP/1.1 200 OK\n\n" >"$4"'
with 0 -- sh -c "$fails" "$ctl" "$pool" "$first" "$second" "$answer"
run 0 "$ctl" export "$pool"
is "$(json keys 0 streak rate_limits),$(json keys 1 streak rate_limits)" 1,1
# One that was picked after it does.
available
run 0 "$ctl" policy "$pool" cooldown-growth=200 cooldown=0.001
for id in "$first" "$second"; do
    run 0 "$ctl" mark "$pool" "$id" rate_limited
done
until [ "$(of_pool "$pool" status_count available)" = 2 ]; do sleep 0.01; done
for _ in 1 2; do
    # shellcheck disable=SC2016
    with 0 -- sh -c 'printf "HTTP/1.1 200 OK\n\n" >"$0"' "$answer"
done
run 0 "$ctl" export "$pool"
is "$(json keys 0 streak),$(json keys 1 streak)" null,null
run 0 "$ctl" policy "$pool" cooldown-growth=100 cooldown=600

# The lease is given back after that.
run 0 "$ctl" limits "$pool" --in-flight 1
with 0 -- sh -c "$writes" 0 'HTTP/1.1 500 x' nothing "$answer"
is "$(of_pool "$pool" keys 0 in_flight),$(of_pool "$pool" keys 1 in_flight)" 0,0
run 0 "$ctl" limits "$pool" --none

# A file that cannot be used is refused before a key is picked. What is in it stays.
picks=$(of_pool "$pool" keys 0 picks),$(of_pool "$pool" keys 1 picks)
unusable() {
    refused 1 "$ctl" exec "$pool" --env API_KEY --report "$1" -- touch "$tmp/ran"
    err_has "^keyshm-ctl: the file given with --report cannot be used: $2; nothing was picked$"
}
unusable "$tmp/rules" 'it is not a regular file'
unusable /dev/null 'it is not a regular file'
unusable "$tmp/none/answer" 'No such file or directory'
unusable "$tmp/in/answer" 'Not a directory'
if [ "$(id -u)" != 0 ]; then
    chmod 400 "$answer"
    unusable "$answer" 'Permission denied'
    chmod 600 "$answer"
    chmod 500 "$tmp/rules"
    unusable "$tmp/rules/answer" 'Permission denied'
    chmod 700 "$tmp/rules"
fi
[ -s "$answer" ] || fail "the file was emptied"
[ ! -e "$tmp/ran" ] || fail "COMMAND was run"
is "$(of_pool "$pool" keys 0 picks),$(of_pool "$pool" keys 1 picks)" "$picks" "picks"

# A command that cannot be run has no answer.
with 127 --on-status '*=invalid' -- "$tmp/none"
is "$(of_pool "$pool" status_count available)" 2
