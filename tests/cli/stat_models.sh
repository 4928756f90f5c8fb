#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Models: keys, groups and pools as a pick for one finds them, the models themselves, and their marks in the events.
. "$(dirname "$0")/lib.sh"
apart_from_other_pools

rows() {
    run 0 "$stat" --raw --noheadings "$pool" "$@"
    cat "$out"
}

run 0 "$ctl" create "$pool"
add "$pool" AAAA BBBB CCCC DDDD
for slot in 0 1 2 3; do
    eval "id$slot=$(id_of "$pool" "$slot")"
done
run 0 "$stat" --models "$pool"
out_is 'no models'
run 0 "$stat" --models --json "$pool"
is "$(json pools 0 models) $(json pools 0 model_count)" '0 0'
run 0 "$stat" --events "$pool"
is "$(head -n 1 "$out" | tr -s ' ' | sed 's/ $//')" 'TIME KIND KEY ID FROM TO FOR PID NAME DEAD' "without models"

gpt=$("$FIXTURE" model "$pool" gpt-4o)
mini=$("$FIXTURE" model "$pool" 'mini: free')
acme=$("$FIXTURE" group "$pool" acme)
# shellcheck disable=SC2154
{
    run 0 "$FIXTURE" set-group "$pool" "$id2" "$acme"
    run 0 "$FIXTURE" set-group "$pool" "$id3" "$acme"
    run 0 "$FIXTURE" metadata "$pool" "$id0" label 'team a'
    run 0 "$FIXTURE" mark "$pool" "$id0" "$gpt" key rate_limited rate_limit 7260000
    run 0 "$FIXTURE" mark "$pool" "$id1" 0 key quota_exceeded quota -
    run 0 "$FIXTURE" mark "$pool" "$acme" "$gpt" group invalid permission -
    run 0 "$FIXTURE" mark "$pool" "$id3" "$mini" key rate_limited overloaded -
}

# Each view is that of a pick for its model.
is "$(rows -o slot,status,benched-by,reason,label)" '0 available - - team\x20a
1 quota_exceeded key quota -
2 available - - -
3 available - - -'
is "$(rows --model gpt-4o -o slot,status,benched-by,reason,label)" '0 rate_limited key_model rate_limit team\x20a
1 quota_exceeded key quota -
2 invalid group_model permission -
3 invalid group_model permission -'
is "$(rows --model 'mini: free' -o slot,status,benched-by,reason | tail -n 1)" '3 rate_limited key_model overloaded'
is "$(rows --model gpt-4o -o slot --status invalid -s -slot | tr '\n' ' ')" '3 2 '
run 0 "$stat" --model gpt-4o "$pool"
out_has "^$pool for gpt-4o: 4/1024 keys, 0 available, 1 rate_limited, 1 quota_exceeded, 2 invalid, age "
run 0 "$stat" --model gpt-4o --json "$pool"
is "$(json pools 0 status_count available) $(json pools 0 keys 0 status)" '0 rate_limited'
is "$(json pools 0 keys 2 benched_by 0) $(json pools 0 keys 2 cooldown_left_ms)" 'group_model -1'
[ "$(json pools 0 keys 0 cooldown_left_ms)" -gt 7000000 ] || fail "not the cooldown of the model"
run 0 "$stat" --model gpt-4o --pools --raw --noheadings -o available,limited,quota,invalid "$pool"
out_is '0 1 1 2'
run 0 "$stat" --model gpt-4o --groups --raw --noheadings -o group,available,status,benched-by "$pool"
out_is 'acme 0 invalid group_model'
run 0 "$stat" --groups --raw --noheadings -o group,available,status,benched-by "$pool"
out_is 'acme 2 available -'

# In a pool without groups, a model is reason enough to say what benches a key.
run 0 "$ctl" create "$pool.flat"
add "$pool.flat" AAAA
run 0 "$FIXTURE" model "$pool.flat" gpt-4o
run 0 "$stat" "$pool.flat"
is "$(sed -n 2p "$out" | tr -s ' ')" 'SLOT KEY STATUS COOLDOWN PAUSED PICKS ERRORS LAST USED'
run 0 "$stat" --model gpt-4o "$pool.flat"
is "$(sed -n 2p "$out" | tr -s ' ')" 'SLOT KEY STATUS COOLDOWN BENCHED BY PICKS ERRORS LAST USED'

# A table of the models.
run 0 "$stat" --models "$pool"
is "$(tr -s ' ' <"$out" | sed 's/ $//')" 'MODEL NUMBER AVAILABLE
gpt-4o 1 0
mini: free 2 2'
is "$(rows --models -o model -s available | tr '\n' ' ')" 'gpt-4o mini:\x20free '
run 0 "$stat" --models --json "$pool"
is "$(json pools 0 models 1)" 'name number available_count '
is "$(json pools 0 models 1 name) $(json pools 0 models 1 available_count) $(json pools 0 model_count)" 'mini: free 2 2'

# In the events.
run 0 "$stat" --events "$pool"
is "$(head -n 1 "$out" | tr -s ' ' | sed 's/ $//')" 'TIME KIND KEY MODEL ID FROM TO FOR PID NAME DEAD'
run 0 "$stat" --events --raw --noheadings -o key,scope,model,to,reason --status rate_limited,invalid --sort key "$pool"
out_is 'acme group gpt-4o invalid permission
sk-\xe2\x80\xa6AAAA key gpt-4o rate_limited rate_limit
sk-\xe2\x80\xa6DDDD key mini:\x20free rate_limited overloaded'
run 0 "$stat" --events --raw "$pool"
is "$(head -n 1 "$out")" 'TIME KIND KEY ID FROM TO FOR PID NAME DEAD' "--raw does not depend on the pool"
run 0 "$stat" --events --json "$pool" --status quota_exceeded
is "$(json pools 0 events 0 model)" '' "whatever the model"

# A model that is not there; one that cannot be. None is made.
refused 2 "$stat" --model gpt-4 "$pool"
is "$(cat "$err")" "keyshm-stat: pool $pool: it has no model of this name; see its models with: keyshm-stat --models $pool"
refused 2 "$stat" --model gpt-4 --groups "$pool"
refused 2 "$stat" --model gpt-4 --batch -n 1 "$pool"
run 2 "$stat" --model 'mini: free' "$pool.flat" "$pool"
out_has "^$pool for mini: free: "
for name in '' ' x' "$(printf 'a\nb')" "$(printf '%0129d' 0)"; do
    refused 1 "$stat" --model "$name" "$pool"
    err_has "^keyshm-stat: pool $pool: --model: a model's name is 1 to 128 bytes, "
done
is "$(rows --models | wc -l)" 2

# While a group is marked for the model again and again, all its keys show the same of it.
run 0 "$ctl" create "$pool.large" --capacity 1000
seq -f "$(key %.0f)" 1000 1999 >"$in"
run 0 "$ctl" add "$pool.large" --group acme <"$in"
gpt=$("$FIXTURE" model "$pool.large" gpt-4o)
acme=$("$FIXTURE" group "$pool.large" acme)
"$FIXTURE" mark-in-turn "$pool.large" "$acme" "$gpt" &
helpers="$helpers $!"
seen=
for _ in $(seq 40); do
    run 0 "$stat" --model gpt-4o --raw --noheadings -o status "$pool.large"
    states=$(sort -u "$out")
    case $states in
    available | rate_limited) seen="$seen $states" ;;
    *) fail "some keys of the group are limited, and some are not" ;;
    esac
done
case $seen in
*available*rate_limited* | *rate_limited*available*) ;;
*) fail "the group was not marked meanwhile" ;;
esac
