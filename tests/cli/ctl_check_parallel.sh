#!/bin/sh
# SPDX-License-Identifier: MIT

# A check, and what others do at the same time.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/check_lib.sh"

run 0 "$ctl" create "$pool"

# begin [ARGUMENT]...: start a check; $checker is its pid.
begin() {
    "$ctl" check "$pool" "$@" >"$out" 2>"$err" &
    checker=$!
    helpers="$helpers $checker"
}

# ends STATUS
ends() {
    status=0
    wait "$checker" || status=$?
    is "$status" "$1" "exit status of check"
    ! grep -q "$secret" "$out" "$err" || fail "a key is shown"
}

# As many at a time as --parallel says, each once.
add "$pool" WAAA WAAB WAAC WAAD WAAE WAAF WAAG
for slot in 0 1 2 3 4 5 6; do
    mark_all invalid "$(id_of "$pool" "$slot")"
done
for parallel in 3 ''; do
    begin ${parallel:+--parallel "$parallel"}
    most=${parallel:-4}
    comes_to_begin "$most" "$checker"

    # Another check has nothing to do meanwhile. And no key is where others can read it.
    refused 1 "$ctl" check "$pool"
    err_has ': another check of it is running$'
    ! tr '\0' '\n' <"/proc/$checker/cmdline" | grep -q "$secret" || fail "a key in the argument list"
    ! ps -ww -o args= -p "$checker" | grep -q "$secret" || fail "a key in ps"
    [ ! -r "/proc/$checker/environ" ] || ! grep -q "$secret" "/proc/$checker/environ" || fail "a key in the environment"
    "$stat" "$pool" >/dev/null # which nothing holds up
    is "$(begun)" "$most" "requests at the same time"

    for end in A B C D E F G; do
        : >"$tmp/WAA$end"
    done
    ends 0
    is "$(begun)" 7
    is "$(cut -d ' ' -f 3 "$tmp/begun" | sort -u | wc -l)" 7
    is "$(grep -c ' invalid -> available 200 -$' "$out")" 7
    is "$(cut -d ' ' -f 1 "$out" | sort -n | tr '\n' ' ')" "$(cut -d ' ' -f 1 "$out" | tr '\n' ' ')" "the order"
    rm -f "$tmp"/WAA? "$tmp/begun"
    for slot in 0 1 2 3 4 5 6; do
        mark_all invalid "$(id_of "$pool" "$slot")"
    done
done

# A check that is killed leaves no lock.
begin
comes_to_begin 4 "$checker"
kill -KILL "$checker"
ends 137
rm "$tmp/begun"

# What is marked after the request was sent stands, although the answer is good. A key that is removed meanwhile is no error, nor is
# one that was removed before it was asked about.
: >"$tmp/WAAC"
first=$(id_of "$pool" 0) second=$(id_of "$pool" 1) third=$(id_of "$pool" 2) fourth=$(id_of "$pool" 3) fifth=$(id_of "$pool" 4)
"$ctl" check "$pool" --parallel 3 >"$tmp/said" 2>"$tmp/complained" &
checker=$!
helpers="$helpers $checker"
comes_to_begin 4 "$checker" # A, B and D wait
mark_all invalid "$first"
run 0 "$ctl" remove "$pool" "$second"
run 0 "$ctl" remove "$pool" "$fifth"
for end in A B D F G; do
    : >"$tmp/WAA$end"
done
cp "$tmp/said" "$out"
ends 0
is "$(head -n 4 "$tmp/said")" "$first sk-…WAAA invalid -> invalid 200 -
$second sk-…WAAB invalid -> removed 200 -
$third sk-…WAAC invalid -> available 200 -
$fourth sk-…WAAD invalid -> available 200 -" "marked and removed meanwhile"
is "$(wc -l <"$tmp/said")" 6
is "$(cut -d ' ' -f 3 "$tmp/begun" | sort | tr '\n' ' ')" "WAAA WAAB WAAC WAAD WAAF WAAG "
! grep -q "$secret" "$tmp/said" "$tmp/complained" || fail "a key is shown"
rm "$tmp/begun" "$tmp"/WAA?

# A group that is out of quota is asked about by each of its keys, and lifted by a good answer to one of them; its keys that are
# invalid themselves stay so. What is marked on it meanwhile stands.
run 0 "$ctl" create "$pool.g"
for end in WGAA DEAD; do
    key "$end" >"$in"
    run 0 "$ctl" add "$pool.g" --group org <"$in"
done
one=$(id_of "$pool.g" 0) dead=$(id_of "$pool.g" 1)
run 0 "$ctl" mark "$pool.g" "$dead" invalid
for marked in '' again; do
    run 0 "$ctl" mark "$pool.g" quota_exceeded --group org
    "$ctl" check "$pool.g" >"$tmp/said" 2>"$tmp/complained" &
    checker=$!
    helpers="$helpers $checker"
    comes_to_begin 2 "$checker"
    [ -z "$marked" ] || run 0 "$ctl" mark "$pool.g" quota_exceeded --group org
    : >"$tmp/WGAA"
    ends 0
    now=${marked:+quota_exceeded}
    is "$(cat "$tmp/said")" "$one sk-…WGAA quota_exceeded -> ${now:-available} 200 -
$dead sk-…DEAD invalid -> invalid 401 cli/dead" "a group${marked:+ that is marked again}"
    is "$(of_pool "$pool.g" keys 1 status)" invalid
    rm "$tmp/begun" "$tmp/WGAA"
done

# A signal ends it, and it tells what it has learnt.
for signal in 2 15; do
    mark_all invalid "$first" "$third"
    : >"$tmp/WAAC"
    # A script's jobs ignore the first of them.
    env --default-signal=INT "$ctl" check "$pool" --json >"$tmp/said" 2>"$tmp/complained" &
    checker=$!
    helpers="$helpers $checker"
    comes_to_begin 2 "$checker"
    until [ "$(state "$third")" = available ]; do sleep 0.01; done
    kill -"$signal" "$checker"
    ends $((128 + signal))
    cp "$tmp/said" "$out"
    is "$(json keys 0 answer)" not_asked
    is "$(json keys 0 now)" invalid
    is "$(json keys 1 now)" available
    grep -q ', since a signal ended the check$' "$tmp/complained" || fail "no word of the signal"
    rm -f "$tmp/begun" "$tmp"/WAA?
done
