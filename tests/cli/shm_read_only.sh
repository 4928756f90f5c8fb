#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"
with_private_shm

# What cannot be done there is blamed on the file system; looking works.
run 0 "$ctl" create "$pool"
add "$pool" AAAA
mount -o remount,ro /dev/shm 2>/dev/null || skip "not permitted to make /dev/shm read-only"
refused 1 "$ctl" create "$pool.more"
is "$(cat "$err")" "keyshm-ctl: pool $pool.more: the file system on /dev/shm is mounted read-only"
refused 1 "$ctl" next "$pool"
is "$(cat "$err")" "keyshm-ctl: pool $pool: the file system on /dev/shm is mounted read-only"
refused 1 "$ctl" destroy "$pool"
err_has 'is mounted read-only$'
run 0 "$stat" "$pool"
out_has "^$pool: 1/1024 keys, 1 available"
mount -o remount,rw /dev/shm
