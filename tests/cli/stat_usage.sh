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
for option in ids json raw openmetrics events follow workers check all-users output-all noheadings notruncate bytes exact batch \
    help version; do
    wrong "--$option is not an option, or takes no value" "--$option=$given"
done
for option in output sort status key iterations user; do
    wrong "--$option needs a value" "--$option"
done
for letter in o s n; do
    wrong "-$letter needs a value" "-$letter"
    wrong "-$letter needs a value" "-j$letter"
done

# Invalid values.
for list in '' ',' + 'slot,' ',slot' slot,,key nothing slot,nothing "$given" "slot,$given" ' slot' +,slot; do
    wrong '--output: there is no such column of what is shown' -o "$list"
done
wrong '--output: there is no such column of what is shown' -o kind
wrong '--output: there is no such column of what is shown' --events -o slot
wrong '--output: there is no such column of what is shown' --workers -o slot
for column in '' - nothing --slot +slot "$given" slot,key; do
    wrong '--sort: there is no such column of what is shown' --sort="$column"
done
wrong '--sort: there is no such column of what is shown' --workers -s slot
for status in '' ',' nothing Available 'available,' ',available' rate-limited "$given" 1; do
    wrong '--status: a status is available, rate_limited, quota_exceeded or invalid' --status "$status"
done
for when in '' sometimes "$given" ALWAYS; do
    wrong '--color: WHEN is auto, always or never' "--color=$when"
done
for seconds in '' 0 0.09 -1 1s 86401 1e3 ' 1' "$given" 99999999999999999999; do
    wrong '--watch: SECONDS is 0.1 to 86400' --json "--watch=$seconds"
done
for count in '' 0 -1 1.5 x 99999999999999999999 "$given"; do
    wrong '--iterations: N is a whole number from 1' --batch -n "$count"
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
for other in events follow check ids; do
    apart workers "$other" --workers "--$other"
done
apart workers status --workers --status=invalid
apart workers key --workers --key=x
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
wrong '--all-users shows all pools: do not name any' --all-users "$pool"

# The help is complete, its lines fit, and nothing is in it twice.
run 0 "$stat" --help
grep -o '^ *\(-[a-zA-Z], \)\?--[a-z-]*' "$out" | grep -o '\-\-[a-z-]*' >"$tmp/options"
is "$(sort "$tmp/options" | uniq -d)" '' "options that are twice in the help"
is "$(grep -c '^ *\(-[a-zA-Z], \)\?--[a-z-]*' "$out")" 25 "options"
[ "$(wc -L <"$out")" -le 120 ] || fail "lines that are too long"
cp "$out" "$tmp/help"
for mode in '' --events --workers; do
    # shellcheck disable=SC2086
    run 0 "$stat" "$pool" $mode --json --output-all
    case $mode in
    --events) rows=events ;;
    --workers) continue ;; # there are none
    *) rows=keys ;;
    esac
    for member in $(json pools 0) $(json pools 0 "$rows" 0); do
        grep -q " $member  " "$tmp/help" || fail "$member is not in the help"
    done
done
