#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

# Replace values that vary between runs. (A sparkline has a column more when a part of the minute has just ended.)
anonymous() {
    sed -E "s/$pool/POOL/g; s/[0-9]{2}:[0-9]{2}:[0-9]{2}/TI:ME:XX/; s/up [0-9.]+s/up X.Xs/; s/ *▁+/ LOW/" "$1"
}

run 0 "$ctl" create "$pool"
add "$pool" AAAA BBBB CCCC DDDD
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 1)" invalid
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 2)" quota_exceeded
run 0 "$FIXTURE" metadata "$pool" "$(id_of "$pool" 3)" label 'team a'

run 0 "$stat" --batch -n 2 --watch=0.1 "$pool"
anonymous "$out" >"$tmp/shown"
diff -u "$here/golden/watch.txt" "$tmp/shown" >&2 || fail "not the expected frames"
! grep -q "$(printf '\033')" "$out" || fail "an escape sequence"

run 0 env LC_ALL=C "$stat" --batch -n 1 "$pool"
anonymous "$out" >"$tmp/shown"
diff -u "$here/golden/watch_ascii.txt" "$tmp/shown" >&2 || fail "not the expected frame"

# Sorting and filtering by command-line options.
run 0 "$stat" --batch -n 1 --status invalid,quota_exceeded --sort=-slot "$pool"
is "$(grep -o 'sk-…....' "$out" | tr '\n' ' ')" 'sk-…CCCC sk-…BBBB ' 'rows'

# Several pools, or all of them, one after the other.
run 0 "$ctl" create "$pool.2"
run 0 "$stat" --batch -n 1 "$pool" "$pool.2"
out_has "^pool    $pool   1 of 2   up "
out_has "^pool    $pool.2   2 of 2   up "
run 0 "$stat" --batch -n 1
out_has "^pool    $pool.2   "
refused 2 "$stat" --batch "$pool" "$pool.3"
err_has "^keyshm-stat: pool $pool.3: there is no such pool; make it with: keyshm-ctl create $pool.3$"

# A reader that closes the pipe is not a failure.
{ "$stat" --batch --watch=0.1 "$pool" 2>"$err" || echo $? >"$tmp/status"; } | head -n 1 >"$out"
out_has "^pool    $pool   "
[ ! -e "$tmp/status" ] || fail "exit status $(cat "$tmp/status") because the reader went away"
[ ! -s "$err" ] || fail "an unexpected message"

# Every other write error is.
if [ -w /dev/full ]; then
    status=0
    "$stat" --batch -n 1 "$pool" >/dev/full 2>"$err" || status=$?
    is "$status" 1 "exit status with a full disk"
    err_has 'cannot write'
fi
