#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

run 0 "$ctl" create "$pool"
add "$pool" AAAA BBBB
first=$(id_of "$pool" 0)
second=$(id_of "$pool" 1)

# with STATUS [OPTION]... -- COMMAND...: run COMMAND with a key.
with() {
    wanted=$1
    shift
    run "$wanted" "$ctl" exec "$pool" --env API_KEY "$@"
}

# is_now SLOT STATUS: check the key's status.
is_now() {
    is "$(of_pool "$pool" keys "$1" status)" "$2" "slot $1"
}

available() {
    run 0 "$ctl" mark "$pool" "$first" available
    run 0 "$ctl" mark "$pool" "$second" available
}

# COMMAND has the key in its environment, replacing any earlier value, and inherits the standard streams.
# shellcheck disable=SC2016
tell='printf %s "$API_KEY" >"$0"'
with 0 -- sh -c "$tell" "$tmp/key"
silent
is "$(cat "$tmp/key")" "$(key AAAA)"
API_KEY=other with 0 -- sh -c "$tell" "$tmp/key"
is "$(cat "$tmp/key")" "$(key BBBB)" "the next key"
is "$(of_pool "$pool" keys 0 picks),$(of_pool "$pool" keys 1 picks)" 1,1
feed 'some\nlines\n'
with 0 -- cat <"$in"
out_is "$(printf 'some\nlines')"
with 0 -- printf '%s\n' --json --help --env
out_is "$(printf -- '--json\n--help\n--env')"
with 0 -- sh -c 'echo odd >&2'
err_has '^odd$'
run 0 "$ctl" exec --env=API_KEY "$pool" -- sh -c "$tell" "$tmp/key" # options may stand anywhere
run 0 env POSIXLY_CORRECT=1 "$ctl" exec "$pool" --env API_KEY -- true

# The exit status is COMMAND's, and without a rule no key is marked.
# shellcheck disable=SC2016
for status in 1 7 75 255; do
    with "$status" -- sh -c "exit $status"
    silent
done
# shellcheck disable=SC2016
with 143 -- sh -c 'kill -TERM $$'
# shellcheck disable=SC2016
with 137 -- sh -c 'kill -KILL $$'
is_now 0 available
is_now 1 available

# Commands that cannot be run.
with 127 -- "$tmp/none"
err_has "^keyshm-ctl: pool $pool: cannot run COMMAND: .*; the key was picked, but not used$"
: >"$tmp/file"
with 126 -- "$tmp/file"
err_has "cannot run COMMAND: Permission denied; "
with 126 -- "$tmp"
with 127 --on-status '*=invalid' -- "$tmp/none"
is_now 0 available
is_now 1 available

# rules STATUS RULE...: run a command that exits with STATUS; the status of its key is $mark, the cooldown left $left_ms.
rules() {
    status=$1
    shift
    available
    set -- "$@" -- sh -c "printf %s \"\$API_KEY\" >\"\$0\"; exit $status" "$tmp/key"
    with "$status" "$@"
    silent
    slot=0
    [ "$(cat "$tmp/key")" = "$(key AAAA)" ] || slot=1
    mark=$(of_pool "$pool" keys "$slot" status)
    left_ms=$(of_pool "$pool" keys "$slot" cooldown_left_ms)
}

# within MIN MAX: check $left_ms. A cooldown never ends before its deadline, so it may be 1 ms longer.
within() {
    [ "$left_ms" -gt "$1" ] && [ "$left_ms" -le "$(($2 + 1))" ] || fail "$left_ms ms are left, not $1 to $2"
}

rules 75 --on-status 75=rate_limited:30,77=invalid
is "$mark" rate_limited
within 0 30000
rules 77 --on-status 75=rate_limited:30,77=invalid
is "$mark" invalid
rules 76 --on-status 75=rate_limited:30,77=invalid
is "$mark" available
rules 75 --on-status 75=rate_limited # for as long as the pool says
is "$mark" rate_limited
within 30000 60000
rules 64 --on-status 64-70=quota_exceeded:3600.5
is "$mark" quota_exceeded
within 3000000 3600500
rules 70 --on-status 64-70=quota_exceeded
is "$mark,$left_ms" quota_exceeded,-1
rules 71 --on-status 64-70=quota_exceeded
is "$mark" available
rules 2 --on-status 1=invalid --on-status '*=quota_exceeded' --on-status 2=invalid # the first that fits
is "$mark" quota_exceeded
rules 0 --on-status '0=available,*=invalid'
is "$mark" available
rules 3 --on-status '0=available,*=invalid'
is "$mark" invalid
available
# shellcheck disable=SC2016
with 143 --on-status 143=invalid -- sh -c 'kill -TERM $$' # a signal counts as shells count it
is "$(of_pool "$pool" status_count invalid)" 1
available

# An invalid rule is refused before a key is picked.
picks=$(of_pool "$pool" keys 0 picks),$(of_pool "$pool" keys 1 picks)
for rule in '' , = 75 75= =invalid 75=nothing 256=invalid -1=invalid 1-=invalid -=invalid 9-1=invalid 1-256=invalid x=invalid \
    75=invalid:30 75=available:1 75=rate_limited: 75=rate_limited:x 75=rate_limited:-1 75=rate_limited:31622401 '**=invalid' \
    75=invalid, ,75=invalid 75=invalid,,76=invalid "$(key AAAA)" "75=$(key AAAA)"; do
    refused 1 "$ctl" exec "$pool" --env API_KEY --on-status "$rule" -- true
    err_has '^keyshm-ctl: exec: --on-status must be up to 64 rules such as '
done
many=$(seq -s , -f '%.0f=invalid' 64)
with 0 --on-status "$many" -- true
refused 1 "$ctl" exec "$pool" --env API_KEY --on-status "$many,65=invalid" -- true
is "$(($(of_pool "$pool" keys 0 picks) + $(of_pool "$pool" keys 1 picks)))" "$((${picks%,*} + ${picks#*,} + 1))" "picks"

# What was marked after the pick is not lifted.
run 0 "$ctl" create "$pool.late"
add "$pool.late" DDDD
late=$(id_of "$pool.late" 0)
run 0 "$ctl" exec "$pool.late" --env API_KEY --on-status 0=available -- "$ctl" mark "$pool.late" "$late" quota_exceeded
is "$(of_pool "$pool.late" keys 0 status)" quota_exceeded

# The key was removed in the meantime: the exit status is still COMMAND's.
run 0 "$ctl" create "$pool.gone"
add "$pool.gone" CCCC
run 9 "$ctl" exec "$pool.gone" --env API_KEY --on-status 9=invalid -- \
    sh -c "'$ctl' remove '$pool.gone' $(id_of "$pool.gone" 0) && exit 9"
err_has "^keyshm-ctl: pool $pool.gone: the key with id [0-9]* could not be marked invalid after exit status 9: it is no longer in"

# No key is available: fail at once, fail after a time, or wait until one is.
refused 4 "$ctl" exec "$pool.gone" --env API_KEY -- touch "$tmp/ran"
err_has "the pool has no keys; add one with: keyshm-ctl add $pool.gone$"
refused 4 "$ctl" exec "$pool.gone" --env API_KEY --wait 0.3 -- touch "$tmp/ran"
[ ! -e "$tmp/ran" ] || fail "it ran without a key"
add "$pool.gone" DDDD
run 0 "$ctl" mark "$pool.gone" "$(id_of "$pool.gone" 0)" rate_limited --retry-after 0.4
run 0 "$ctl" exec "$pool.gone" --env API_KEY --wait 60 -- true
run 0 "$ctl" mark "$pool.gone" "$(id_of "$pool.gone" 0)" invalid
refused 4 "$ctl" exec "$pool.gone" --env API_KEY --wait 0.3 -- touch "$tmp/ran"
err_has "no key is available, and none will be by itself; see why with: keyshm-stat $pool.gone$"
"$ctl" exec "$pool.gone" --env API_KEY --wait 60 -- true >"$out" 2>"$err" &
waiting=$!
run 0 "$ctl" mark "$pool.gone" "$(id_of "$pool.gone" 0)" available # by another process
wait "$waiting" || fail "it did not see that the key is available"
refused 2 "$ctl" exec "$pool.none" --env API_KEY -- true

# A limit of the key's group, and what is the key's alone.
run 0 "$ctl" create "$pool.grouped"
add "$pool.grouped" DDDD EEEE
run 0 "$ctl" group "$pool.grouped" org --put-in "$(id_of "$pool.grouped" 0),$(id_of "$pool.grouped" 1)"
run 75 "$ctl" exec "$pool.grouped" --env API_KEY --scope group --on-status 75=rate_limited:600 -- sh -c 'exit 75'
run 0 "$stat" --groups -o status --noheadings "$pool.grouped"
out_is rate_limited
is "$(of_pool "$pool.grouped" status_count rate_limited)" 2 "keys of the group"
refused 4 "$ctl" exec "$pool.grouped" --env API_KEY -- touch "$tmp/ran"
run 0 "$ctl" mark "$pool.grouped" --group org available
run 77 "$ctl" exec "$pool.grouped" --env API_KEY --scope group --on-status 77=invalid -- sh -c 'exit 77'
run 0 "$stat" --groups -o status --noheadings "$pool.grouped"
out_is available
is "$(of_pool "$pool.grouped" status_count invalid)" 1 "invalid keys"
wrong_exec() {
    refused 1 "$ctl" exec "$pool.grouped" --env API_KEY "$@" -- true
}
wrong_exec --scope model

# signalled SIGNAL STATUS: check that keyshm-ctl passes SIGNAL on and exits with COMMAND's status.
signalled() {
    mkfifo "$tmp/ready"
    # shellcheck disable=SC2016
    "$ctl" exec "$pool" --env API_KEY --on-status 9=invalid -- sh -c '
        trap "exit 9" "$1"
        echo >"$0"
        while :; do sleep 0.01; done' "$tmp/ready" "$1" >"$out" 2>"$err" &
    running=$!
    helpers="$helpers $running"
    read -r _ <"$tmp/ready"
    rm "$tmp/ready"
    kill -"$1" "$running"
    status=0
    wait "$running" || status=$?
    is "$status" 9 "exit status after $1"
    is "$(of_pool "$pool" status_count invalid)" 1 "after $1"
    available
}
signalled TERM
signalled HUP

# When keyshm-ctl itself is killed, COMMAND receives SIGTERM.
mkfifo "$tmp/ready"
# shellcheck disable=SC2016
"$ctl" exec "$pool" --env API_KEY -- sh -c 'trap "exit 0" TERM; echo $$ >"$0"; while :; do sleep 0.01; done' "$tmp/ready" &
running=$!
read -r child <"$tmp/ready"
helpers="$helpers $running $child"
kill -KILL "$running"
tries=0
while [ -d "/proc/$child" ] && ! grep -q '^State:.Z' "/proc/$child/status" 2>/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -lt 3000 ] || fail "COMMAND still runs after keyshm-ctl was killed"
    sleep 0.01
done
