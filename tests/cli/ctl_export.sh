#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

run 0 "$ctl" create "$pool" --capacity 8 --key-max 64 --cooldown 30 --provider-rules openai
add "$pool" AAAA BBBB CCCC DDDD
feed '%s\n' "$secret"
run 0 "$ctl" add "$pool" <"$in"
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 1)" rate_limited --retry-after 100000
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 2)" quota_exceeded
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 3)" invalid
run 0 "$ctl" label "$pool" "$(id_of "$pool" 0)" 'the "first"'
run 0 "$ctl" metadata "$pool" "$(id_of "$pool" 0)" team ''
run 0 "$ctl" priority "$pool" "$(id_of "$pool" 2)" 3
run 0 "$ctl" weight "$pool" "$(id_of "$pool" 2)" 15
run 0 "$ctl" limits "$pool" --requests 60/min --tokens 90k/min --tokens-charge pick
run 0 "$ctl" model "$pool" m/1
run 0 "$ctl" limits "$pool" --model m/1 --requests 8/600ms --requests-burst 2
run 0 "$ctl" limits "$pool" "$(id_of "$pool" 1)" --requests none --tokens none
run 0 "$ctl" limits "$pool" "$(id_of "$pool" 2)" --in-flight 4
run 0 "$ctl" group "$pool" org-a
run 0 "$ctl" limits "$pool" --group org-a --tokens-long 1M/day --tokens-long-charge release

# The contents.
before_ms=$(date +%s%3N)
run 0 "$ctl" export "$pool"
after_ms=$(date +%s%3N)
is "$(json schema) $(json kind)" '1 keyshm-export'
is "$(json provider)" "$pool"
is "$(json capacity) $(json key_max) $(json default_cooldown_ms) $(json provider_rules)" '8 64 30000 openai'
{ [ "$(json exported_unix_ms)" -ge "$before_ms" ] && [ "$(json exported_unix_ms)" -le "$after_ms" ]; } || fail "the time"
is "$(json policy cooldown_ms) $(json policy cooldown_max_ms) $(json policy invalid_retry_ms)" '30000 86400000 -1'
is "$(json limits) $(json limits 0 model) $(json limits 1 model)" '2 null m/1'
is "$(json limits 0 requests amount) $(json limits 0 requests per_ms) $(json limits 0 requests burst)" '60 60000 10'
is "$(json limits 0 requests charge) $(json limits 0 tokens charge) $(json limits 0 in_flight)" 'pick pick 0'
is "$(json limits 1 requests burst) $(json limits 1 tokens)" '2 null'
is "$(json groups 0 limits) $(json groups 0 limits 0 tokens_long charge)" '1 release'
is "$(json keys 0 limits) $(json keys 1 limits) $(json keys 2 limits)" '0 1 1' "those of the pool are not a key's own"
is "$(json keys 1 limits 0 requests) $(json keys 1 limits 0 in_flight)" 'null 0' "free of those of the pool"
is "$(json keys 2 limits 0 requests amount) $(json keys 2 limits 0 in_flight)" '60 4'
is "$(json keys)" 5 "keys"
slot=0
for status in available rate_limited quota_exceeded invalid available; do
    is "$(json keys "$slot" slot) $(json keys "$slot" status)" "$slot $status"
    slot=$((slot + 1))
done
is "$(json keys 0 cooldown_left_ms) $(json keys 2 cooldown_left_ms) $(json keys 3 cooldown_left_ms)" '0 -1 -1'
{ [ "$(json keys 1 cooldown_left_ms)" -gt 0 ] && [ "$(json keys 1 cooldown_left_ms)" -le 100000011 ]; } || fail "a cooldown"
is "$(json keys 0 masked_key) $(json keys 4 masked_key)" 'sk-…AAAA …'
is "$(json keys 3 marked invalid) $(json keys 3 marked rate_limited)" '1 0'
is "$(json keys 2 priority) $(json keys 2 weight) $(json keys 3 priority) $(json keys 3 weight)" '3 15 0 1'
is "$(json keys 0 metadata)" 'label team '
is "$(json keys 0 metadata label)$(json keys 0 metadata team)" 'the "first"'
is "$(json keys 0 fingerprint | wc -c)" 44 "a fingerprint and a line end"
is "$(json keys 4 fingerprint)" null "of a key that could be guessed"
names=$(json && json keys 0)
grep -q '"with_keys":false' "$out" || fail "with_keys"
fingerprint=$(json keys 0 fingerprint)

# A new salt each time.
run 0 "$ctl" export "$pool"
[ "$(json keys 0 fingerprint)" != "$fingerprint" ] || fail "the same fingerprint twice"

# Every member is in the help.
run 0 "$ctl" export --help
for name in $names key; do
    out_has "^  *\(keys\.\)\?$name  "
done

# To a file: nothing is printed; the mode does not depend on the umask; no key is in it.
mkdir "$tmp/dir"
for mask in 000 022 777; do
    rm -f "$tmp/dir/state"
    (
        umask "$mask"
        exec "$ctl" export "$pool" --output "$tmp/dir/state" 4>&1 >"$tmp/printed" 2>&1
    ) || fail "with umask $mask"
    [ ! -s "$tmp/printed" ] || fail "something is printed with --output"
    is "$(stat -c '%a %h' "$tmp/dir/state")" '600 1'
    rm -f "$tmp/printed"
done
is "$(ls -A "$tmp/dir")" state
! grep -q "$secret" "$tmp/dir/state" || fail "a key in the file"
is "$("$JSON_GET" keys 1 status <"$tmp/dir/state")" rate_limited

# no_file MESSAGE FILE [OPTION]...: check that it is refused and the directory does not change.
no_file() {
    local message="$1" file="$2"
    shift 2
    ls -lAR "$tmp/dir" >"$tmp/ls"
    refused 1 "$ctl" export "$pool" --output "$file" "$@"
    err_has "^keyshm-ctl: pool $pool: $message"
    ls -lAR "$tmp/dir" | cmp -s - "$tmp/ls" || fail "the directory has changed"
}
there_is='a file with the name given with --output exists already; nothing was written; move it away'
cannot='cannot make the file given with --output: '
cp "$tmp/dir/state" "$tmp/state"
ln -s nowhere "$tmp/dir/link"
mkdir "$tmp/dir/dir"
for option in '' --with-keys; do
    # shellcheck disable=SC2086
    for name in state link dir; do
        no_file "$there_is" "$tmp/dir/$name" $option
    done
    # shellcheck disable=SC2086
    no_file "${cannot}No such file or directory; nothing was written$" "$tmp/dir/none/state" $option
    # shellcheck disable=SC2086
    no_file "${cannot}Not a directory; nothing was written$" "$tmp/dir/state/state" $option
    # shellcheck disable=SC2086
    no_file "${cannot}Is a directory; nothing was written$" "$tmp/dir/dir/" $option
done
cmp -s "$tmp/state" "$tmp/dir/state" || fail "an existing file has changed"
if [ "$(id -u)" -ne 0 ]; then
    chmod 500 "$tmp/dir/dir"
    no_file "${cannot}Permission denied; nothing was written$" "$tmp/dir/dir/state" --with-keys
fi
for bad in '' -; do
    refused 1 "$ctl" export "$pool" --output "$bad"
    err_has "^keyshm-ctl: export: --output must be the name of a new file, not \"$bad\"$"
done

# A name without a directory: in the current directory.
(cd "$tmp/dir" && exec "$ctl" export "$pool" --output here) || fail "in this directory"
[ -s "$tmp/dir/here" ] || fail "no file in this directory"

# Keys are written only to a file.
refused 1 "$ctl" export "$pool" --with-keys
err_has '^keyshm-ctl: export: --with-keys needs --output FILE: keys never go to standard output$'
run 0 "$ctl" export "$pool" --with-keys --output "$tmp/dir/keys"
silent
is "$(stat -c %a "$tmp/dir/keys")" 600
is "$("$JSON_GET" keys 0 key <"$tmp/dir/keys")" "$(key AAAA)"
is "$("$JSON_GET" keys 0 fingerprint <"$tmp/dir/keys")" null "which says nothing that the key does not"
is "$("$JSON_GET" keys 4 key <"$tmp/dir/keys")" "$secret"
grep -q '"with_keys":true' "$tmp/dir/keys" || fail "with_keys"

# A key that JSON cannot represent.
feed 'sk-%s-\377\376-0123456789-EEEE\n' "$secret"
run 0 "$ctl" add "$pool" <"$in"
run 0 "$ctl" export "$pool"
is "$(json keys 5 masked_key)" sk-…EEEE
no_file "the key with id $(id_of "$pool" 5) is not UTF-8, which JSON must be; nothing was written; export it without" \
    "$tmp/dir/new" --with-keys

# Groups and models: a key has its own status, not that of its group; a bench for a model is in the object of the model.
grouped=$pool.grouped
run 0 "$ctl" create "$grouped"
feed '%s\n%s\n' "$(key AAAA)" "$(key BBBB)"
run 0 "$ctl" add "$grouped" --group 'org "a"' <"$in"
add "$grouped" CCCC
run 0 "$ctl" mark "$grouped" quota_exceeded --group 'org "a"' --reason billing
run 0 "$ctl" mark "$grouped" rate_limited --group 'org "a"' --model m/1 --retry-after 3600
run 0 "$ctl" mark "$grouped" "$(id_of "$grouped" 1)" invalid --model m-2 --reason permission
run 0 "$ctl" pause "$grouped" --group 'org "a"'
run 0 "$ctl" export "$grouped"
is "$(json models) $(json models 0) $(json models 1) $(json groups)" '2 m/1 m-2 1'
is "$(json groups 0 name) $(json groups 0 status) $(json groups 0 reason) $(json groups 0 is_paused)" 'org "a" quota_exceeded billing true'
is "$(json groups 0 cooldown_left_ms) $(json groups 0 marked quota_exceeded) $(json groups 0 models)" '-1 1 m/1 '
is "$(json groups 0 models m/1 status) $(json groups 0 models m/1 reason)" 'rate_limited rate_limit'
left_ms=$(json groups 0 models m/1 cooldown_left_ms)
{ [ "$left_ms" -gt 3000000 ] && [ "$left_ms" -le 3600100 ]; } || fail "a cooldown of a model"
for slot in 0 1; do
    is "$(json keys "$slot" group) $(json keys "$slot" status) $(json keys "$slot" is_paused)" 'org "a" available false'
done
is "$(json keys 0 models)$(json keys 1 models)$(json keys 2 models)" 'm-2 '
is "$(json keys 1 models m-2 status) $(json keys 1 models m-2 reason)" 'invalid permission'
is "$(json keys 1 models m-2 cooldown_left_ms) $(json keys 2 group)" '-1 null'

# Names that JSON cannot represent.
run 0 "$FIXTURE" group "$grouped" "$(printf '\377')"
run 0 "$FIXTURE" model "$grouped" "$(printf 'm\376')"
run 0 "$ctl" export "$grouped"
is "$(json models) $(json groups)" '2 1'
err_has "^keyshm-ctl: pool $grouped: the name of model 3 is not UTF-8, which JSON must be; it is left out, and what is known for it$"
err_has "^keyshm-ctl: pool $grouped: the name of the group with id [0-9]* is not UTF-8, which JSON must be; it is left out, and what"

# It attaches read-only, so even the list of workers does not change. An empty pool, and no pool.
before=$(cksum <"$segment")
run 0 "$ctl" export "$pool"
is "$(cksum <"$segment")" "$before" "the pool"
run 0 "$ctl" create "$pool.empty"
run 0 "$ctl" export "$pool.empty"
is "$(json keys)" 0
refused 2 "$ctl" export "$pool.none" --output "$tmp/dir/none"
err_has "^keyshm-ctl: pool $pool.none: there is no such pool"
[ ! -e "$tmp/dir/none" ] || fail "a file was made for a pool that does not exist"

# Killed at any moment, it leaves a complete file or none.
run 0 "$ctl" create "$pool.many" --capacity 2000 --key-max 64
seq -f "sk-$secret-%020.0f" 2000 >"$in"
run 0 "$ctl" add "$pool.many" <"$in"
for i in 1 2 3; do
    for option in '' --with-keys; do
        rm -rf "$tmp/killed"
        mkdir "$tmp/killed"
        # shellcheck disable=SC2086
        "$ctl" export "$pool.many" $option --output "$tmp/killed/state" &
        exporting=$!
        if [ -z "$option" ]; then sleep "0.$i"; else sleep "0.0$i"; fi
        kill -KILL "$exporting" 2>/dev/null || true
        wait "$exporting" 2>/dev/null || true
        left=$(ls -A "$tmp/killed")
        [ -z "$left" ] || is "$left $("$JSON_GET" keys <"$tmp/killed/state")" 'state 2000' "left by one that was killed"
    done
done
