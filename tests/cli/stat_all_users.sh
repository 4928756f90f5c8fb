#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

if [ "$(id -u)" -ne 0 ]; then
    refused 2 "$stat" --all-users
    is "$(cat "$err")" "keyshm-stat: --all-users is for root: other users' pools are closed to this user"
    exit 0
fi
command -v setpriv >/dev/null || skip "needs setpriv"
with_private_shm -o mode=1777
unset XDG_RUNTIME_DIR

# Copy the programs to where other users can run them.
other=65534
name=$(getent passwd "$other" | cut -d : -f 1)
name=${name:-$other}
as_other() {
    setpriv --reuid "$other" --clear-groups --inh-caps=-all "$@"
}
chmod 755 "$tmp"
: >"$out" && : >"$err"

run 0 "$stat" --all-users
is "$(cat "$err")" 'keyshm-stat: no user has pools'
run 0 "$ctl" create mine
add mine AAAA
as_other "$ctl" create theirs 2>"$err" || skip "another user cannot run the program here"
printf '%s\n' "$(key BBBB)" | as_other "$ctl" add theirs >"$out" 2>"$err" || fail "add as another user"
as_other "$ctl" create mine || fail "a pool of the same name"

run 0 "$stat" --all-users
out_has '^mine of root: 1/1024 keys, '
out_has "^theirs of $name: 1/1024 keys, "
out_has "^mine of $name: 0/1024 keys, "
out_has '^OWNER *SLOT '
out_has "^$name  *0 sk-…BBBB "
run 0 "$stat"
out_has '^mine: 1/1024 keys, '
is "$(grep -c ' keys, ' "$out")" 1 "pools of this user"

run 0 "$stat" --all-users --json
is "$(json pools)" 3
is "$(json pools 0 owner)" root
is "$(json pools 0 provider)" mine
is "$(json pools 1 owner)" "$name"
is "$(json pools 2 provider)" theirs
run 0 "$stat" --all-users --raw -s -owner --noheadings -o pool,owner,key
is "$(cut -d ' ' -f 1,2 "$out" | tr '\n' ,)" "mine root,theirs $name,"
run 0 "$stat" --all-users --openmetrics
out_has "^keyshm_pool_capacity{pool=\"mine\",owner=\"root\"} 1024$"
out_has "^keyshm_pool_capacity{pool=\"mine\",owner=\"$name\"} 1024$"
run 0 "$stat" --all-users --check
is "$(grep -c ': ok$' "$out")" 3
run 0 "$stat" --all-users --events --raw --noheadings -o owner
is "$(tr '\n' , <"$out")" "root,$name,"
run 0 "$stat" --all-users --workers
run 0 "$stat" --all-users --pools
is "$(tr -s ' ' <"$out" | cut -d ' ' -f 1-3 | tr '\n' ,)" "POOL OWNER KEYS,mine root 1,mine $name 0,theirs $name 1,"
run 0 "$stat" --all-users --pools --json
is "$(json pools 2 owner)" "$name"

as_other "$stat" --all-users >"$out" 2>"$err" && fail "not refused to another user"
[ ! -s "$out" ] || fail "shown to another user"
err_has '^keyshm-stat: --all-users is for root: '
run 0 as_other "$stat"
out_has '^theirs: 1/1024 keys, '
is "$(grep -c ' keys, ' "$out")" 2
