#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

run 0 "$ctl" create "$pool"
add "$pool" AAAA
run 0 "$ctl" destroy "$pool"
silent
[ ! -e "$segment" ] || fail "the segment is still there"

refused 2 "$ctl" destroy "$pool"
err_has "^keyshm-ctl: pool $pool: there is no such pool; see those of this user with: keyshm-stat$"
refused 1 "$ctl" destroy ../x

# A pool that cannot be attached to.
head -c 5000 /dev/urandom >"$segment"
run 0 "$ctl" destroy "$pool"
[ ! -e "$segment" ] || fail "the damaged segment is still there"

# One of another layout is left alone, and named with the command that removes it, until its layout is given.
mine=$("$FIXTURE" layout)
others=/dev/shm/keyshm.$(id -u).v1-8-gnu
what="there is one of the layout v1-8-gnu, which another version of keyshm made; this one reads $mine; if no worker \
needs it, remove it with: keyshm-ctl destroy $pool --layout v1-8-gnu"
: >"$others.$pool"
: >"$others.$pool.2"
for option in '' --layout=v2-64-glibc "--layout=$mine"; do
    # shellcheck disable=SC2086
    refused 2 "$ctl" destroy "$pool" $option
    is "$(cat "$err")" "keyshm-ctl: pool $pool: $what"
done
refused 2 "$stat" "$pool"
is "$(cat "$err")" "keyshm-stat: pool $pool: $what"
run 0 "$ctl" create "$pool"
run 0 "$ctl" destroy "$pool" --layout v1-8-gnu
silent
[ -e "$segment" ] || fail "the pool of this layout has gone"
[ ! -e "$others.$pool" ] || fail "the one of the other layout is still there"
[ -e "$others.$pool.2" ] || fail "another pool has gone"
refused 2 "$ctl" destroy "$pool" --layout v1-8-gnu
err_has "^keyshm-ctl: pool $pool: there is no such pool of that layout; see those of this user with: keyshm-stat$"
run 0 "$ctl" destroy "$pool" --layout "$mine" --json
is "$(json provider)" "$pool"
[ ! -e "$segment" ] || fail "the segment is still there"
refused 1 "$ctl" destroy ../x --layout v1-8-gnu
err_has "this cannot be a pool's name"

# In a user namespace its name has the uid of the outside, as this user's pools have.
if [ "$(id -u)" -eq 0 ]; then
    within='setpriv --reuid=12345 --clear-groups unshare --map-root-user'
    theirs=/dev/shm/keyshm.12345.v1-8-gnu.$pool
    if $within "$ctl" --version >/dev/null 2>&1; then
        : >"$others.$pool"
        : >"$theirs"
        chown 12345 "$theirs"
        # shellcheck disable=SC2086
        run 0 $within "$ctl" destroy "$pool" --layout v1-8-gnu
        [ ! -e "$theirs" ] || { rm "$theirs" && fail "the pool of the container is still there"; }
        [ -e "$others.$pool" ] || fail "the pool of the host has gone"
    fi
    : >"$theirs"
    chown 12345 "$theirs"
    run 3 "$stat" --user 12345
    err_has " remove it with: keyshm-ctl destroy $pool --layout v1-8-gnu --user 12345$"
    run 0 "$ctl" destroy "$pool" --layout v1-8-gnu --user 12345
    [ ! -e "$theirs" ] || { rm "$theirs" && fail "the pool of the other user is still there"; }
fi
