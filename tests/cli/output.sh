#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

run 0 "$ctl" create "$pool"
add "$pool" AAAA
feed '%s\n' "$(key AAAA)"

# to HOW STATUS PROGRAM [ARGUMENT]...: run it with standard output on a full disk, closed, or on a pipe without a reader.
to() {
    how=$1
    wanted=$2
    shift 2
    status=0
    : >"$out"
    case $how in
    full) "$@" >/dev/full 2>"$err" || status=$? ;;
    closed) "$@" >&- 2>"$err" || status=$? ;;
    unread) "$@" >&4 2>"$err" || status=$? ;;
    esac
    [ "$status" -eq "$wanted" ] || fail "exit status $status, not $wanted, with standard output $how: $*"
    ! grep -q "$secret" "$err" || fail "a key on standard error: $*"
    [ "$wanted" -ne 141 ] || silent
    [ "$wanted" -eq 141 ] || err_has ': cannot write .*the output'
}

# stat_ends HOW STATUS: without a reader keyshm-stat ends silently, by SIGPIPE.
stat_ends() {
    if [ "$1" = unread ]; then
        echo 141
    else
        echo "$2"
    fi
}

mkfifo "$tmp/fifo"
exec 3<>"$tmp/fifo"
exec 4>"$tmp/fifo"
exec 3<&-

for how in full closed unread; do
    for option in --help --version "$pool" "--ids $pool" "--json $pool"; do
        # shellcheck disable=SC2086
        to "$how" "$(stat_ends "$how" 1)" "$stat" $option
    done
    [ "$how" = unread ] || to "$how" 2 "$stat" "$pool" "$pool.none" # the higher exit status counts
    to "$how" 1 "$ctl" --help
    to "$how" 1 "$ctl" create --help
    to "$how" 1 "$ctl" --version
    to "$how" 1 "$ctl" next "$pool"
    to "$how" 1 "$ctl" next "$pool" --json
    to "$how" 1 "$ctl" reset "$pool"
    to "$how" 1 "$ctl" export "$pool"
    to "$how" 1 "$ctl" add "$pool" <"$in"
done

# More output than one buffer.
run 0 "$ctl" create "$pool.many" --capacity 2000
seq -f "sk-$secret-%020.0f" 2000 >"$tmp/many"
to unread 1 "$ctl" add "$pool.many" <"$tmp/many"
is "$(of_pool "$pool.many" count)" 2000 # all keys are added although the reader has gone
for how in full closed unread; do
    to "$how" "$(stat_ends "$how" 1)" "$stat" "$pool.many"
    to "$how" "$(stat_ends "$how" 1)" "$stat" --json "$pool.many"
done

# Commands that print nothing succeed.
"$ctl" mark "$pool" "$(id_of "$pool" 0)" available >&- 2>"$err" || fail "mark fails although it prints nothing"

# With all standard streams closed, the segment must not get one of their numbers, or a message would be written into it.
refused 1 "$ctl" frobnicate 0<&-
(
    exec 0<&- 1>&- 2>&-
    ulimit -l 0
    KEYSHM_LOG=debug "$ctl" create "$pool.closed" || exit 1
    KEYSHM_LOG=debug "$ctl" remove "$pool.closed" 1 && exit 1
    KEYSHM_LOG=debug "$stat" "$pool.closed" && exit 1
    exit 0
) || fail "with all streams closed"
run 0 "$stat" "$pool.closed"
out_has "^$pool.closed: 0/1024 keys, "
