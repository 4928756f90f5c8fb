#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

if [ "$(id -u)" -ne 0 ]; then
    run 0 "$ctl" create "$pool"
    run 0 "$stat" --user "$(id -un)" "$pool"
    refused 2 "$stat" --user root "$pool"
    is "$(cat "$err")" "keyshm-stat: --user is for root: other users' pools are closed to this user"
    refused 2 "$ctl" next --user 0 "$pool"
    exit 0
fi
with_private_shm -o mode=1777
other=65534
name=$(getent passwd "$other" | cut -d : -f 1)
name=${name:-$other}

# Everything that root does with --user is done to the pool of that user, and only to that.
run 0 "$ctl" --user "$other" create theirs --capacity 5
is "$(command stat -c '%u %a' "/dev/shm/keyshm.$other.$("$FIXTURE" layout).theirs")" "$other 600"
feed '%s\n' "$(key AAAA)"
run 0 "$ctl" add theirs --user "$name" <"$in"
run 0 "$stat" --user "$name" --json theirs
is "$(json pools 0 count) $(json pools 0 capacity)" '1 5'
id=$(json pools 0 keys 0 id)
run 0 "$ctl" mark theirs "$id" invalid --user "$name"
run 0 "$ctl" set theirs --user "$name" <"$in"
out_is '1 kept, 0 added, 0 removed'
run 0 "$ctl" verify theirs --user "$name"
run 0 "$stat" --user "$name"
out_has '^theirs: 1/5 keys, 0 available'

# Who looks in the wrong place is told where it is, instead of being told to make another.
refused 2 "$stat" theirs
is "$(cat "$err")" "keyshm-stat: pool theirs: there is no such pool, but $name has one: keyshm-stat --user $name theirs"
refused 2 "$ctl" next theirs
is "$(cat "$err")" "keyshm-ctl: pool theirs: there is no such pool, but $name has one: keyshm-stat --user $name theirs"
refused 2 "$ctl" destroy theirs
err_has " but $name has one: "
: >"/dev/shm/keyshm.0.v1-8-gnu.old"
refused 2 "$stat" old
is "$(cat "$err")" "keyshm-stat: pool old: there is one of the layout v1-8-gnu, which another version of keyshm made; this one \
reads $("$FIXTURE" layout); if no worker needs it, remove it with: keyshm-ctl destroy old --layout v1-8-gnu"
refused 2 "$stat" none
err_has 'there is no such pool; make it with: keyshm-ctl create none$'

run 0 "$ctl" destroy theirs --user "$name"
refused 2 "$stat" --user "$name" theirs
refused 1 "$stat" --user nobody-of-this-name
is "$(cat "$err")" 'keyshm-stat: --user must be the name or the number of a user'
refused 1 "$ctl" next theirs --user nobody-so-called
is "$(cat "$err")" 'keyshm-ctl: --user must be the name or the number of a user, not "nobody-so-called"'
refused 1 "$stat" --user root --all-users
