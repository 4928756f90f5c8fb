#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

run 0 "$ctl" create "$pool" --capacity 4 --key-max 64
add "$pool" AAAA

# bad LINE REASON: check that all of $in is refused.
bad() {
    refused 1 "$ctl" add "$pool" <"$in"
    is "$(cat "$err")" "keyshm-ctl: line $1: $2; nothing was changed"
    holds 1
}

nul='it has a NUL byte in it'
control='it has a control character, such as a tab, in it'
space='it has a space at its beginning or end'
too_long='longer than the 64 bytes that this pool allows a key'
mark='it begins with a byte order mark; save the file without one'

feed '%s\n\n%s\000\n' "$(key BBBB)" "$(key CCCC)"
bad 3 "$nul"
feed '\000'
bad 1 "$nul"
feed '%s\n%s\000%s\n%s\n' "$(key BBBB)" "$(key CCCC)" "$secret" "$(key DDDD)"
bad 2 "$nul"
for character in '\001' '\t' '\033' '\037' '\177' '\r'; do
    feed "%s\n$secret${character}x\n" "$(key BBBB)"
    bad 2 "$control"
    feed "$character$secret"
    bad 1 "$control"
done
feed '%s\r\r\n' "$(key BBBB)"
bad 1 "$control"
feed '%s\n %s\n' "$(key BBBB)" "$(key CCCC)"
bad 2 "$space"
feed '%s \n' "$(key BBBB)"
bad 1 "$space"
feed '%s \r\n' "$(key BBBB)"
bad 1 "$space"
feed ' \n'
bad 1 "$space"
feed '\357\273\277%s\n' "$(key BBBB)"
bad 1 "$mark"

# What a person did not mean as a key.
assignment='it is an assignment, and only the key may stand there; for variables use --env'
feed '# keys\n%s\nexport KEY=%s\n' "$(key BBBB)" "$(key CCCC)"
bad 3 "$assignment"
feed 'OPENAI_API_KEY=%s\n' "$(key BBBB)"
bad 1 "$assignment"
feed 'OPENAI_API_KEY="%s"\n' "$(key BBBB)"
bad 1 "$assignment"
feed '%s # mine\n' "$(key BBBB)"
bad 1 'it has a space in it'
feed "%s'\n" "$(key BBBB)"
bad 1 'it has a quotation mark in it'
feed '" %s"\n' "$(key BBBB)"
bad 1 "$space"

# The log shows no keys.
feed '%s\n\t%s\n' "$(key BBBB)" "$(key CCCC)"
refused 1 env KEYSHM_LOG=debug "$ctl" add "$pool" <"$in"
err_has '^keyshm: debug: '

# One byte too long, far too long, and longer than any pool allows.
feed '%s\n%065d\n' "$(key BBBB)" 0
bad 2 "$too_long"
feed '%065d\r\n' 0
bad 1 "$too_long"
for length in 4000 4097 4098 4099 9000 10000000; do
    head -c "$length" /dev/zero | tr '\0' "$secret" >"$in"
    bad 1 "$too_long"
done

# The same in a pool for the longest keys.
run 0 "$ctl" create "$pool.wide" --key-max 4096
for length in 4097 4098 4099 9000 10000000; do
    head -c "$length" /dev/zero | tr '\0' "$secret" >"$in"
    refused 1 "$ctl" add "$pool.wide" <"$in"
    err_has '^keyshm-ctl: line 1: longer than the 4096 bytes that this pool allows a key; nothing was changed$'
done
is "$(of_pool "$pool.wide" count)" 0

# An endless line is refused while it is being read.
mkfifo "$tmp/endless-line" "$tmp/endless-keys"
yes "$secret" 2>/dev/null | tr -d '\n' 2>/dev/null >"$tmp/endless-line" &
refused 1 timeout 600 "$ctl" add "$pool" <"$tmp/endless-line"
err_has "^keyshm-ctl: line 1: $too_long; nothing was changed$"

# So is an endless list of keys: the pool has room for three more. Keys that are already in it take no room.
seq -f "sk-$secret-%020.0f" inf >"$tmp/endless-keys" 2>/dev/null &
refused 1 timeout 600 "$ctl" add "$pool" <"$tmp/endless-keys"
is "$(cat "$err")" "keyshm-ctl: line 4: the pool has no room for it: it was made for 4 keys; nothing was changed"
holds 1
feed '%s\n%s\n%s\n%s\n%s\n' "$(key AAAA)" "$(key BBBB)" "$(key CCCC)" "$(key DDDD)" "$(key EEEE)"
bad 5 'the pool has no room for it: it was made for 4 keys'
add "$pool" BBBB CCCC DDDD
feed '%s\n%s\n' "$(key AAAA)" "$(key EEEE)"
refused 1 "$ctl" add "$pool" <"$in"
err_has '^keyshm-ctl: line 2: the pool has no room'
holds 4

# No keys at all.
nothing='there are no keys on standard input'
feed ''
refused 1 "$ctl" add "$pool" <"$in"
err_has "$nothing"
feed '\n\r\n\n'
refused 1 "$ctl" add "$pool" <"$in"
err_has "$nothing"
true | refused 1 "$ctl" add "$pool"
err_has "$nothing"

# Unreadable input.
refused 1 "$ctl" add "$pool" <&-
err_has '^keyshm-ctl: cannot read standard input: Bad file descriptor; nothing was changed$'
refused 1 "$ctl" add "$pool" 0>"$in"
err_has '^keyshm-ctl: cannot read standard input: '
refused 1 "$ctl" add "$pool" <"$tmp"
err_has '^keyshm-ctl: cannot read standard input: Is a directory'
holds 4
