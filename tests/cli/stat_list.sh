#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"
with_private_shm

# No pools: this is not an error.
run 0 "$stat"
[ ! -s "$out" ] || fail "output without pools"
is "$(cat "$err")" 'keyshm-stat: this user has no pools; make one with: keyshm-ctl create POOL'
run 0 "$stat" --json
out_is '{"schema":1,"pools":[]}'
[ ! -s "$err" ] || fail "an unexpected message"

# All pools of this user, by name; no files with similar names, and no pools of other users.
for name in zeta alpha Beta; do
    run 0 "$ctl" create "$name"
done
: >"$segments..hidden"
: >"${segments}X.other"
: >/dev/shm/keyshm.4294967294.stranger
: >/dev/shm/other
run 0 "$stat"
is "$(cut -d : -f 1 "$out" | tr '\n' ' ')" 'Beta  alpha  zeta '
run 0 "$stat" --pools
is "$(cut -d ' ' -f 1 "$out" | tr '\n' ' ')" 'POOL Beta alpha zeta '
run 0 "$stat" --json
is "$(json pools)" 3
is "$(json pools 2 provider)" zeta

# One of another layout is named, and the others are shown.
: >"/dev/shm/keyshm.$(id -u).v1-8-gnu.old"
run 3 "$stat"
is "$(cat "$err")" "keyshm-stat: pool old: there is one of the layout v1-8-gnu, which another version of keyshm made; this one \
reads $("$FIXTURE" layout); if no worker needs it, remove it with: keyshm-ctl destroy old --layout v1-8-gnu"
is "$(cut -d : -f 1 "$out" | tr '\n' ' ')" 'Beta  alpha  zeta '
run 3 "$stat" --pools
err_has '^keyshm-stat: pool old: there is one of the layout v1-8-gnu, '
is "$(cut -d ' ' -f 1 "$out" | tr '\n' ' ')" 'POOL Beta alpha zeta '
rm "/dev/shm/keyshm.$(id -u).v1-8-gnu.old"

# A damaged pool is reported, and the others are still shown.
head -c 5000 /dev/urandom >"$segments.bad"
chmod 600 "$segments.bad"
run 3 "$stat"
err_has '^keyshm-stat: pool bad: not a keyshm segment, or damaged; '
is "$(cut -d : -f 1 "$out" | tr '\n' ' ')" 'Beta  alpha  zeta '
run 3 "$stat" --json
is "$(json pools)" 3
run 3 "$stat" --pools
err_has '^keyshm-stat: pool bad: not a keyshm segment, or damaged; '
is "$(cut -d ' ' -f 1 "$out" | tr '\n' ' ')" 'POOL Beta alpha zeta '
run 3 "$stat" --pools --json
is "$(json pools)" 3
