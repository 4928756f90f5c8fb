#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"
with_private_shm -o size=1m

run 0 "$ctl" create "$pool" --capacity 100 --key-max 64
seq -f "sk-$secret-%020.0f" 100 >"$in"
run 0 "$ctl" add "$pool" <"$in"
head -c 2000000 /dev/zero >/dev/shm/filler 2>/dev/null && fail "this disk is never full"

for option in '' --with-keys; do
    # shellcheck disable=SC2086
    refused 1 "$ctl" export "$pool" --output /dev/shm/state $option
    err_has "^keyshm-ctl: pool $pool: cannot write the file given with --output, which was not made: No space left on device"
    [ ! -e /dev/shm/state ] || fail "an incomplete file"
done
rm /dev/shm/filler
run 0 "$ctl" export "$pool" --output /dev/shm/state --with-keys
is "$("$JSON_GET" keys </dev/shm/state)" 100
