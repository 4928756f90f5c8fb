#!/bin/sh
# SPDX-License-Identifier: MIT
#
# keyshm-stat prints no part of a key except the masked form: run() searches its output for $secret.
. "$(dirname "$0")/lib.sh"

run 0 "$ctl" create "$pool"
feed '%s\n%s\n%s\n' "$(key AAAA)" "$secret" "sk_$secret$secret$secret"
run 0 "$ctl" add "$pool" <"$in"
for slot in 0 1 2; do
    run 0 "$ctl" mark "$pool" "$(id_of "$pool" "$slot")" invalid
done

run 0 "$FIXTURE" set-group "$pool" "$(id_of "$pool" 0)" "$("$FIXTURE" group "$pool" acme)"
run 0 "$FIXTURE" model "$pool" gpt

for mode in '' --model=gpt --groups --models --events --workers --pools; do
    for format in '' --json --raw '--color=always --notruncate'; do
        # shellcheck disable=SC2086
        run 0 "$stat" "$pool" $mode $format --output-all
        # shellcheck disable=SC2086
        run 0 "$stat" "$pool" $mode $format --exact
    done
done
run 0 "$stat" "$pool" --openmetrics
run 0 "$stat" "$pool" --check
run 0 "$stat" "$pool" --batch -n 1
run 0 "$stat" "$pool" --watch=0.1 --json -n 1
: >"$out"
"$stat" --follow "$pool" --json >"$out" 2>"$err" &
follower=$!
helpers="$helpers $follower"
comes_to_say '"kind":"added"' "$follower"
kill -TERM "$follower"
wait "$follower"
! grep -q "$secret" "$out" "$err" || fail "a key with --follow"

# The program does not link any call that returns or changes keys.
command -v nm >/dev/null || skip "needs nm"
nm -D --undefined-only "$stat" >"$out" || fail "nm"
out_has ' keyshm_snapshot@*'
for call in get next add find acquire create create_anonymous open attach attach_user shared group model mark pause resume remove \
    repair unlink; do
    ! grep -q " keyshm_$call\(@\|\$\)" "$out" || fail "it can call keyshm_$call"
done
for calls in get_ next_ add_ mark_ remove_ replace_ set_ unlink_; do
    # Limits contain no key.
    ! sed '/ keyshm_get_limits\(@\|$\)/d' "$out" | grep -q " keyshm_$calls" || fail "it can call keyshm_$calls..."
done
