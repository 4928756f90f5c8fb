#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

run 0 "$ctl" create "$pool"
add "$pool" AAAA
given=$(key BBBB)

# wrong MESSAGE [ARGUMENT]...: check that it is refused as wrong usage, with a pointer to the help, and does not repeat the
# argument.
wrong() {
    message=$1
    shift
    refused 1 "$stat" "$@"
    is "$(cat "$err")" "keyshm-stat: $message
See: keyshm-stat --help" "$*"
}

# Options that do not exist, lack a value, or take none.
wrong '--frobnicate is not an option, or takes no value' --frobnicate
wrong '--frobnicate is not an option, or takes no value' "--frobnicate=$given"
wrong '-x is not an option, or takes no value' -x
wrong '-x is not an option, or takes no value' -jx "$pool"
wrong '--out is not an option, or takes no value' --out=slot # of two
for option in ids json raw openmetrics groups models events follow workers leases limits pools check all-users output-all noheadings notruncate bytes exact \
    batch help version; do
    wrong "--$option is not an option, or takes no value" "--$option=$given"
done
for option in output sort status key group model iterations user; do
    wrong "--$option needs a value" "--$option"
done
for letter in o s n; do
    wrong "-$letter needs a value" "-$letter"
    wrong "-$letter needs a value" "-j$letter"
done

# Invalid values: the option, what it must be, and the value, unless that may be a key.
of_keys='a column of keys (POOL, OWNER, SLOT, KEY, GROUP, STATUS, COOLDOWN, PAUSED, BENCHED BY, REASON, PROBE, STREAK, PRIORITY, WEIGHT, '
of_keys="${of_keys}IN FLIGHT, CAP, REQUESTS LEFT, REQUESTS BURST, TOKENS LEFT, TOKENS BURST, PICKS, ERRORS, "
of_keys="${of_keys}LAST USED, ID, MARKED, METADATA, LABEL, AVAILABLE, LIMITED, QUOTA, INVALID)"
of_groups='a column of groups (POOL, OWNER, GROUP, KEYS, AVAILABLE, STATUS, COOLDOWN, BENCHED BY, REASON, PROBE, STREAK, PAUSED, '
of_groups="${of_groups}IN FLIGHT, CAP, REQUESTS LEFT, REQUESTS BURST, TOKENS LEFT, TOKENS BURST, PICKS, ID, MARKED, LIMITED, QUOTA, INVALID)"
of_models='a column of models (POOL, OWNER, MODEL, NUMBER, AVAILABLE)'
of_workers='a column of workers (POOL, OWNER, PID, NAME, STATE, PICKS, ATTACHED)'
of_pools='a column of pools (POOL, OWNER, KEYS, CAPACITY, STATUSES, AVAILABLE, LIMITED, QUOTA, INVALID, PAUSED, WAITING, GROUPS, '
of_pools="${of_pools}MODELS, KEY MAX, COOLDOWN, COOLDOWN MAX, RULES, CREATED, AGE, CREATOR UID, CREATOR PID, CREATOR, RECOVERIES, HOLDER PID, "
of_pools="${of_pools}HOLDER, HOLDER STATE, HELD)"
for list in '' ',' + 'slot,' ',slot' slot,,key +,slot; do
    wrong "--output must be $of_keys, not \"\"" -o "$list"
done
for list in nothing slot,nothing +nothing,slot; do
    wrong "--output must be $of_keys, not \"nothing\"" -o "$list"
done
for list in "$given" "slot,$given" ' slot' "$given,"; do
    wrong "--output must be $of_keys" -o "$list"
done
wrong "--output must be $of_keys, not \"kind\"" -o kind
wrong "--output must be $of_groups, not \"slot\"" --groups -o slot
wrong "--output must be $of_models, not \"id\"" --models -o id
wrong "--output must be $of_workers, not \"slot\"" --workers -o slot
wrong "--output must be $of_pools, not \"slot\"" --pools -o slot
refused 1 "$stat" --events -o slot
err_has '^keyshm-stat: --output must be a column of events (TIME, KIND, POOL, .*, NUMBER), not "slot"$'
for column in nothing -slot slot,key; do
    wrong "--sort must be $of_keys, not \"$column\"" "--sort=-$column"
done
for column in '' -; do
    wrong "--sort must be $of_keys, not \"\"" "--sort=$column"
done
for column in +slot "$given" "-$given"; do
    wrong "--sort must be $of_keys" "--sort=$column"
done
wrong "--sort must be $of_workers, not \"slot\"" --workers -s slot
wrong "--sort must be $of_pools, not \"slot\"" --pools -s slot
statuses='available, rate_limited, quota_exceeded or invalid'
for status in '' nothing rate-limited 1; do
    for list in "$status" "available,$status" "$status,available"; do
        wrong "--status must be $statuses, not \"$status\"" --status "$list"
    done
done
for status in Available "$given" "available,$given"; do
    wrong "--status must be $statuses" --status "$status"
done
for when in '' sometimes; do
    wrong "--color must be auto, always or never, not \"$when\"" "--color=$when"
done
for when in ALWAYS "$given"; do
    wrong '--color must be auto, always or never' "--color=$when"
done
for seconds in '' 0 0.09 -1 1s 86401 1e3 99999999999999999999; do
    wrong "--watch must be seconds from 0.1 to 86400, not \"$seconds\"" --json "--watch=$seconds"
done
for count in '' 0 -1 1.5 x 99999999999999999999; do
    wrong "--iterations must be a whole number from 1, not \"$count\"" --batch -n "$count"
done
for value in ' 1' "$given" "1,$given" 0123456789abcdef 999999999999999999999; do
    wrong '--watch must be seconds from 0.1 to 86400' --json "--watch=$value"
    wrong '--iterations must be a whole number from 1' --batch -n "$value"
done

# Options that exclude each other.
apart() {
    first=$1
    second=$2
    shift 2
    wrong "--$first and --$second do not go together" "$@"
    message=$1
    shift
    refused 1 "$stat" "$@" "$message" # the other way round
}
apart json raw --json --raw
apart json openmetrics --json --openmetrics
apart raw openmetrics --raw --openmetrics
for other in models events follow workers leases limits pools check openmetrics watch batch; do
    apart groups "$other" --groups "--$other"
done
apart groups key --groups --key=x
for other in events follow workers leases limits pools check ids openmetrics watch batch; do
    apart models "$other" --models "--$other"
done
apart models model --models --model=x
apart models status --models --status=invalid
apart models key --models --key=x
apart models group --models --group=x
for subject in workers leases limits check events follow openmetrics; do
    apart "$subject" model "--$subject" --model=x
done
for subject in workers pools check; do
    apart "$subject" group "--$subject" --group=x
done
for other in events follow leases limits check ids; do
    apart workers "$other" --workers "--$other"
done
for other in events follow limits check; do
    apart leases "$other" --leases "--$other"
done
for other in events follow check; do
    apart limits "$other" --limits "--$other"
done
for subject in leases limits; do
    apart "$subject" status "--$subject" --status=invalid
    apart openmetrics "$subject" --openmetrics "--$subject"
    apart watch "$subject" --watch "--$subject"
    apart batch "$subject" --batch "--$subject"
done
apart workers status --workers --status=invalid
apart workers key --workers --key=x
for other in events follow workers leases limits check ids openmetrics watch batch; do
    apart pools "$other" --pools "--$other"
done
apart pools status --pools --status=invalid
apart pools key --pools --key=x
for other in events follow json raw openmetrics ids output-all; do
    [ "$other" = output-all ] || apart check "$other" --check "--$other"
done
apart check output --check --output=slot
apart check sort --check --sort=slot
apart check status --check --status=invalid
apart check key --check --key=x
apart events ids --events --ids
apart follow ids --follow --ids
apart follow sort --follow --sort=time
for other in events follow workers ids output-all; do
    [ "$other" = output-all ] || apart openmetrics "$other" --openmetrics "--$other"
done
apart openmetrics output --openmetrics --output=slot
apart openmetrics sort --openmetrics --sort=slot
apart output-all output --output-all --output=slot
for other in events follow workers check; do
    apart watch "$other" --watch "--$other"
    apart batch "$other" --batch "--$other"
done
for other in json raw openmetrics; do
    apart batch "$other" --batch "--$other"
done
wrong '--iterations is for --watch and --batch' -n 1
live='--output is for tables: the live view has the columns for which the screen has room'
wrong "$live" --watch -o key
wrong "$live" --batch --output-all
wrong '--all-users shows all pools: do not name any' --all-users "$pool"

# The help is complete, its lines fit, and nothing is in it twice.
run 0 "$stat" --help
grep -o '^ *\(-[a-zA-Z], \)\?--[a-z-]*' "$out" | grep -o '\-\-[a-z-]*' >"$tmp/options"
is "$(sort "$tmp/options" | uniq -d)" '' "options that are twice in the help"
is "$(grep -c '^ *\(-[a-zA-Z], \)\?--[a-z-]*' "$out")" 32 "options"
[ "$(wc -L <"$out")" -le 120 ] || fail "lines that are too long"
cp "$out" "$tmp/help"
run 0 "$FIXTURE" group "$pool" acme
run 0 "$FIXTURE" model "$pool" gpt
for mode in '' --groups --models --events --workers --pools; do
    # shellcheck disable=SC2086
    run 0 "$stat" "$pool" $mode --json --output-all
    members=$(json pools 0)
    case $mode in
    '') members="$members $(json pools 0 keys 0)" ;;
    --groups) members="$members $(json pools 0 groups 0)" ;;
    --models) members="$members $(json pools 0 models 0)" ;;
    --events) members="$members $(json pools 0 events 0)" ;;
    esac # there are no workers
    for member in $members; do
        grep -q " $member  " "$tmp/help" || fail "$member is not in the help"
    done
done
