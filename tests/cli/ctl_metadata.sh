#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

run 0 "$ctl" create "$pool"
add "$pool" AAAA BBBB
id=$(id_of "$pool" 0)

# No notes; one note, another, and one of them replaced.
run 0 "$ctl" metadata "$pool" "$id"
silent
run 0 "$ctl" metadata "$pool" "$id" account 'team A'
silent
run 0 "$ctl" metadata "$pool" "$id" tier 5
run 0 "$ctl" metadata "$pool" "$id" account 'team = B'
run 0 "$ctl" metadata "$pool" "$id"
sort "$out" >"$tmp/sorted"
is "$(cat "$tmp/sorted")" "$(printf 'account=team = B\ntier=5')"
run 0 "$ctl" metadata "$pool" "$id" account
out_is 'team = B'
run 0 "$ctl" metadata "$pool" "$id" empty ''
run 0 "$ctl" metadata "$pool" "$id" empty
out_is ''
run 0 "$ctl" metadata "$pool" "$(id_of "$pool" 1)"
silent # they are each key's own

# keyshm-stat shows them.
is "$(of_pool "$pool" keys 0 metadata account)" 'team = B'
run 0 "$ctl" metadata "$pool" "$id" --json
is "$(json metadata tier)" 5
is "$(json metadata account)" 'team = B'
run 0 "$ctl" metadata "$pool" "$id" tier 6 --json
is "$(json metadata tier)" 6

# Deletion.
run 0 "$ctl" metadata "$pool" "$id" empty --delete
run 1 "$ctl" metadata "$pool" "$id" empty
err_has "^keyshm-ctl: pool $pool: the key with id $id has no note with that name; see what it has with: keyshm-ctl metadata $pool $id$"
refused 1 "$ctl" metadata "$pool" "$id" empty --delete
err_has "the key with id $id has no note with that name"

# A name that is not there is not repeated: it may be a key in the wrong place.
refused 1 "$ctl" metadata "$pool" "$id" "$(key ZZZZ)"
err_has 'has no note with that name'

# A label is the note of that name.
run 1 "$ctl" label "$pool" "$id"
err_has 'has no label'
run 0 "$ctl" label "$pool" "$id" --json
is "$(json label)" null
run 0 "$ctl" label "$pool" "$id" 'Büro, 2nd floor'
silent
run 0 "$ctl" label "$pool" "$id"
out_is 'Büro, 2nd floor'
run 0 "$ctl" metadata "$pool" "$id" label
out_is 'Büro, 2nd floor'
run 0 "$stat" --raw --noheadings -o LABEL "$pool"
is "$(head -n 1 "$out")" 'B\xc3\xbcro,\x202nd\x20floor'
run 0 "$ctl" label "$pool" "$id" --delete
refused 1 "$ctl" label "$pool" "$id"

# A note may not contain a key of the pool.
for text in "$(key AAAA)" "$(key BBBB)" "the key is $(key BBBB)" "key=$(key AAAA), new" "\"$(key AAAA)\"" "[$(key AAAA)]"; do
    refused 1 "$ctl" metadata "$pool" "$id" account "$text"
    err_has 'the text has one of its keys in it, and everyone who inspects the pool would see it; nothing was changed'
    refused 1 "$ctl" label "$pool" "$id" "$text"
done
run 0 "$ctl" create "$pool.short"
printf 'short%s\n' "$secret" >"$in"
run 0 "$ctl" add "$pool.short" <"$in"
refused 1 "$ctl" metadata "$pool.short" "$(id_of "$pool.short" 0)" "short$secret" yes # nor as a name
run 0 "$ctl" metadata "$pool" "$id" account
out_is 'team = B'

# Values that are too long, or not text.
long=$(printf '%120s' '' | tr ' ' x)
name=$(printf '%32s' '' | tr ' ' n)
run 0 "$ctl" metadata "$pool" "$(id_of "$pool" 1)" "$name" "$long"
refused 1 "$ctl" metadata "$pool" "$(id_of "$pool" 1)" another one
err_has "the notes of a key may take 160 bytes, counting one more for each name and value; shorten or delete some; "
run 0 "$ctl" metadata "$pool" "$(id_of "$pool" 1)"
out_is "$name=$long"
for value in "${long}x" "$(printf 'a\nb')" "$(printf '\033[31m')" "$(printf '\177')" "$(printf '\377')" "$(printf 'a\303')"; do
    refused 1 "$ctl" metadata "$pool" "$id" account "$value"
    err_has '^keyshm-ctl: metadata: VALUE must be '
    refused 1 "$ctl" label "$pool" "$id" "$value"
    err_has '^keyshm-ctl: label: TEXT must be '
done
for bad in '' "${name}n" 'a b' a=b a/b ü; do
    refused 1 "$ctl" metadata "$pool" "$id" "$bad" value
    err_has '^keyshm-ctl: metadata: NAME must be '
done

# Arguments that exclude each other, and ids that do not exist.
refused 1 "$ctl" metadata "$pool" "$id" --delete
err_has '^keyshm-ctl: metadata: --delete goes with a NAME and no VALUE$'
refused 1 "$ctl" metadata "$pool" "$id" tier 5 --delete
refused 1 "$ctl" label "$pool" "$id" text --delete
err_has '^keyshm-ctl: label: --delete goes without a TEXT$'
run 0 "$ctl" remove "$pool" "$id"
for command in "metadata $pool $id" "metadata $pool $id a b" "metadata $pool $id a --delete" "label $pool $id x" \
    "label $pool $id --json"; do
    # shellcheck disable=SC2086
    refused 1 "$ctl" $command
    err_has "no key has this id, or it was removed; see the ids with: keyshm-stat --ids $pool$"
done
refused 2 "$ctl" metadata "$pool.none" 1
refused 2 "$ctl" label "$pool.none" 1 x
