#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

variable=$(printf '%s_API_KEY' "$pool" | tr 'a-z.-' 'A-Z__')

# masks: the masked keys that were added, in their order.
masks() {
    cut -d ' ' -f 2 "$out" | tr '\n' ' '
}

run 0 "$ctl" create "$pool" --capacity 6
refused 1 "$ctl" add "$pool" --env </dev/null
is "$(cat "$err")" "keyshm-ctl: neither $variable nor ${variable}S, ${variable}_1, ${variable}_2 ... is set in the environment"

# In numeric order, with gaps, those without a number first; similar names are ignored.
run 0 env "${variable}_10=$(key 0010)" "${variable}_2=$(key 0002)" "$variable=$(key 0000)" \
    "${variable}_99999999999999999999=$(key 9999)" "${variable}_9=$(key 0009)" "${variable}_1=" \
    "${variable}_2B=$(key XXXX)" "${variable}_=$(key XXXX)" "${variable}S_1=$(key XXXX)" "X$variable=$(key XXXX)" "${variable}_2_3=$(key XXXX)" "${variable}_-1=$(key XXXX)" \
    "$ctl" add "$pool" --env </dev/null
is "$(masks)" 'sk-…0000 sk-…0002 sk-…0009 sk-…0010 sk-…9999 '
err_has ': 5 added, 0 present before; it has 5/6 keys$'

# Standard input is not read.
feed '%s\n' "$(key BBBB)"
run 0 env "${variable}_7=$(key 0002)" "$ctl" add "$pool" --env <"$in"
out_is "$(id_of "$pool" 1) sk-…0002 present"

# An invalid key changes nothing; the message names its variable.
refused 1 env "${variable}_1=$(key CCCC)" "${variable}_3= $(key DDDD)" "$ctl" add "$pool" --env
is "$(cat "$err")" "keyshm-ctl: ${variable}_3: it has a space at its beginning or end; nothing was changed"
refused 1 env "$variable=$(printf '%s\nx' "$(key CCCC)")" "$ctl" add "$pool" --env
err_has "^keyshm-ctl: $variable: it has a control character"
refused 1 env "$variable=$secret$(printf '%0600d' 0)" "$ctl" add "$pool" --env
err_has "^keyshm-ctl: $variable: longer than the 512 bytes"
refused 1 env "$variable=$(key CCCC)" "${variable}_1=$(key DDDD)" "$ctl" add "$pool" --env
err_has "^keyshm-ctl: ${variable}_1: the pool has no room for it"
holds 5

# How a pool's name becomes a variable name, also in a locale with other rules for upper case.
run 0 "$ctl" create "$pool.my-Pool.v2_x"
run 0 env LC_ALL=tr_TR.UTF-8 "$(printf '%s' "$pool" | tr 'a-z-' 'A-Z_')_MY_POOL_V2_X_API_KEY=$(key AAAA)" \
    "$ctl" add "$pool.my-Pool.v2_x" --env
is "$(of_pool "$pool.my-Pool.v2_x" count)" 1

# Several keys in one variable, quotes around it or around each, numbers with zeros before them, and empty values.
run 0 "$ctl" create "$pool.many"
many=$(printf '%s_API_KEY' "$pool.many" | tr 'a-z.-' 'A-Z__')
run 0 env "${many}_03=$(key 0003)" "${many}_1=" "${many}_2=\"$(key 002A),$(key 002B)\"" "${many}S='$(key 000S)'" \
    "${many}=\"$(key 0000)\",\"$(key 000A)\"" "${many}_00=,$(key 0001),," "${many}_4=''" "$ctl" add "$pool.many" --env
is "$(masks)" 'sk-…0000 sk-…000A sk-…000S sk-…0001 sk-…002A sk-…002B sk-…0003 '

# wrong VALUE REASON: such a value is refused, and nothing is added.
wrong() {
    refused 1 env "${many}_1=$(key CCCC)" "${many}_9=$1" "$ctl" add "$pool.many" --env
    is "$(cat "$err")" "keyshm-ctl: ${many}_9: $2; nothing was changed" "$1"
    is "$(of_pool "$pool.many" count)" 7
}
wrong "$(key DDDD), $(key EEEE)" 'it has a space at its beginning or end'
wrong "$(key DDDD) $(key EEEE)" 'it has a space in it'
wrong "\"$(key DDDD)" 'it has a quotation mark in it'
wrong "\"\"$(key DDDD)\"\"" 'it has a quotation mark in it'
wrong "API_KEY=$(key DDDD)" 'it is an assignment, and only the key may stand there; for variables use --env'

refused 2 env "$variable=$(key AAAA)" "$ctl" add "$pool.none" --env
