#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

run 0 "$ctl" create "$pool" --models-max 2
add "$pool" AAAA BBBB
first=$(id_of "$pool" 0)
second=$(id_of "$pool" 1)

# picks MODEL ID...: check that the next picks for it are these keys; for none is "".
picks() {
    local model="$1" wanted
    shift
    for wanted; do
        # shellcheck disable=SC2086
        run 0 "$ctl" next "$pool" ${model:+--model "$model"}
        is "$(cut -d ' ' -f 1 "$out")" "$wanted" "a pick for '$model'"
    done
}

# They are made by name, once; a request or a mark makes them, too.
run 0 "$ctl" model "$pool"
silent
run 0 "$ctl" model "$pool" deepseek/deepseek-r1:free
out_is '1 deepseek/deepseek-r1:free'
run 0 "$ctl" model "$pool" deepseek/deepseek-r1:free --json
is "$(json models) $(json models 0 number) $(json models 0 name)" '1 1 deepseek/deepseek-r1:free'
model=deepseek/deepseek-r1:free
picks gpt-4o "$first"
run 0 "$ctl" model "$pool"
out_is '1 deepseek/deepseek-r1:free
2 gpt-4o'
run 0 "$ctl" model "$pool" --json
is "$(json models) $(json models 1 number) $(json models 1 name)" '2 2 gpt-4o'
run 0 "$ctl" next "$pool" --model gpt-4o --json
is "$(json model) $(json id)" "2 $second"
run 0 "$ctl" next "$pool" --json
is "$(json model)" 0

# A mark for a model is for that one only, and one without is for all.
run 0 "$ctl" mark "$pool" "$first" rate_limited --retry-after 3600 --model "$model"
silent
picks "$model" "$second" "$second" "$second"
picks gpt-4o "$first" "$second"
run 0 "$ctl" mark "$pool" "$second" quota_exceeded --model "$model" --json
is "$(json id) $(json model) $(json status) $(json benched_by 0) $(json benched_by)" "$second 1 quota_exceeded key_model 1"
refused 4 "$ctl" next "$pool" --model "$model"
err_has "^keyshm-ctl: pool $pool: no key is available for that model now; the next will be in 3[56][0-9][0-9]\.[0-9]* seconds$"
run 0 "$ctl" mark "$pool" "$first" invalid --model "$model"
refused 4 "$ctl" next "$pool" --model "$model"
err_has "^keyshm-ctl: pool $pool: no key is available for that model, and none will be by itself; see why with: keyshm-stat --model $model $pool$"
run 0 "$ctl" mark "$pool" "$first" rate_limited --model "$model"
is "$(cat "$err")" "keyshm-ctl: pool $pool: that changed nothing: the key with id $first stays invalid for the model $model"
is "$(of_pool "$pool" keys 0 status)" available
run 0 "$ctl" mark "$pool" "$first" available --model gpt-4o
silent
refused 4 "$ctl" next "$pool" --model "$model"
run 0 "$ctl" mark "$pool" "$first" available --model "$model"
silent
picks "$model" "$first" "$first"
run 0 "$ctl" mark "$pool" "$first" invalid
refused 4 "$ctl" next "$pool" --model "$model"
picks gpt-4o "$second" "$second"
run 0 "$ctl" mark "$pool" "$first" available --model "$model"
is "$(cat "$err")" "keyshm-ctl: pool $pool: the key with id $first stays invalid; lift that with: keyshm-ctl mark $pool $first available"
run 0 "$ctl" mark "$pool" all available --status invalid --status quota_exceeded
out_is 2

# What benches a key besides: for other models, too; its group's for a model.
run 0 "$ctl" group "$pool" 'org a' --put-in "$first"
group=$(cut -d ' ' -f 1 "$out")
run 0 "$ctl" mark "$pool" "$group" rate_limited --model gpt-4o --retry-after 7200
run 0 "$ctl" mark "$pool" "$first" quota_exceeded --model "$model"
silent
run 0 "$ctl" mark "$pool" "$first" rate_limited --model gpt-4o --retry-after 5
err_has "^keyshm-ctl: pool $pool: the key with id $first stays benched by its group, org a, which is rate_limited for the model gpt-4o, for 1h"
is "$(wc -l <"$err")" 1 "lines"
run 0 "$ctl" mark "$pool" "$first" available
is "$(sed 's/, for [^;]*;/, for TIME;/' "$err")" "keyshm-ctl: pool $pool: the key with id $first stays benched by its group, org a, \
which is rate_limited for the model gpt-4o, for TIME; lift that with: keyshm-ctl mark $pool $group available --model gpt-4o"
picks "$model" "$second" "$first"
picks gpt-4o "$second" "$second"
run 0 "$ctl" mark "$pool" "$first" rate_limited --scope group --model gpt-4o --retry-after 1
err_has "^keyshm-ctl: pool $pool: that changed nothing: the group with id $group stays rate_limited for the model gpt-4o, for 1h"
run 0 "$ctl" mark "$pool" available --group 'org a' --model gpt-4o
silent
run 0 "$ctl" mark "$pool" "$first" invalid --scope group --model gpt-4o --json
is "$(json benched_by 0) $(json status) $(json id)" "group_model invalid $first"
run 0 "$ctl" mark "$pool" "$group" available

# A paused key does not come back by itself.
run 0 "$ctl" pause "$pool" "$first"
run 0 "$ctl" mark "$pool" "$first" rate_limited --model gpt-4o --retry-after 5
run 0 "$ctl" mark "$pool" "$second" rate_limited --model gpt-4o --retry-after 3600
refused 4 "$ctl" next "$pool" --model gpt-4o
err_has 'the next will be in 3[56][0-9][0-9]'
run 0 "$ctl" resume "$pool" "$first"
run 0 "$ctl" mark "$pool" all available

# Available, for all models: what was lifted of them counts as a change.
run 0 "$ctl" mark "$pool" "$first" rate_limited --model gpt-4o
run 0 "$ctl" mark "$pool" "$first" available --json
is "$(json changed)" 1
run 0 "$ctl" mark "$pool" "$first" available --json
is "$(json changed)" 0

# A command that is run with a key for a model: its exit status marks the key for that model, or makes it invalid for all.
run 0 "$ctl" mark "$pool" "$second" invalid
run 75 "$ctl" exec "$pool" --env KEY --model gpt-4o --on-status 75=rate_limited:3600,77=invalid -- sh -c 'exit 75'
refused 4 "$ctl" exec "$pool" --env KEY --model gpt-4o -- true
err_has 'no key is available for that model now'
run 77 "$ctl" exec "$pool" --env KEY --model "$model" --on-status 75=rate_limited:3600,77=invalid -- sh -c 'exit 77'
is "$(of_pool "$pool" keys 0 status)" invalid
run 0 "$ctl" mark "$pool" "$first" available
run 0 "$ctl" mark "$pool" "$first" rate_limited --model gpt-4o --retry-after 0.3
run 0 "$ctl" exec "$pool" --env KEY --model gpt-4o --wait 600 -- true
run 0 "$ctl" mark "$pool" "$second" available

# A model for which there is no room is none, with one warning; it is never an error, but for who wants to make it.
none="keyshm-ctl: pool $pool: it has no room for another model, so this is done without one; see those that it has with: \
keyshm-ctl model $pool"
run 0 "$ctl" next "$pool" --model third --json
is "$(json model)" 0
is "$(cat "$err")" "$none"
run 0 "$ctl" exec "$pool" --env KEY --model third -- true
is "$(cat "$err")" "$none"
run 0 "$ctl" mark "$pool" "$first" rate_limited --model third --json
is "$(json model) $(json status) $(json benched_by 0)" '0 rate_limited key'
is "$(cat "$err")" "$none"
refused 1 "$ctl" mark "$pool" "$first" available --model third
is "$(cat "$err")" "keyshm-ctl: pool $pool: it has no model of that name; nothing was changed; see those that it has with: \
keyshm-ctl model $pool"
is "$(of_pool "$pool" keys 0 status)" rate_limited "what it has for all models is not lifted"
run 0 "$ctl" mark "$pool" "$first" available
refused 1 "$ctl" model "$pool" third
is "$(cat "$err")" "keyshm-ctl: pool $pool: it has as many models as it was made for, and none of that name; see them with: \
keyshm-ctl model $pool"
run 0 "$ctl" model "$pool"
is "$(wc -l <"$out")" 2 "models"

# No key is in a name, which everyone sees.
run 0 "$ctl" create "$pool.new"
add "$pool.new" AAAA
refused 1 "$ctl" exec "$pool.new" --env KEY --model "$(key AAAA)" -- true
for command in "model $pool.new" "next $pool.new --model" "mark $pool.new $(id_of "$pool.new" 0) invalid --model"; do
    # shellcheck disable=SC2086
    refused 1 "$ctl" $command "for:$(key AAAA)"
    is "$(cat "$err")" "keyshm-ctl: pool $pool.new: the name has one of its keys in it, and everyone who inspects the pool would see it; \
nothing was changed"
done
run 0 "$ctl" model "$pool.new"
silent
"$ctl" model "$pool.new" "of $(key BBBB)" >/dev/null # which is no key yet
"$ctl" group "$pool.new" "$(key CCCC)" >/dev/null
for suffix in BBBB CCCC; do
    for command in add 'add --dry-run' set; do
        key "$suffix" >"$tmp/keys"
        # shellcheck disable=SC2086
        refused 1 "$ctl" ${command%% *} "$pool.new" ${command#"${command%% *}"} <"$tmp/keys"
        is "$(cat "$err")" "keyshm-ctl: pool $pool.new: one of these keys is in the name of a group or a model, which everyone who \
inspects the pool sees; nothing was changed"
    done
done
run 0 "$ctl" verify "$pool"
refused 2 "$ctl" model "$pool.no"
