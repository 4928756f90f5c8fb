#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

run 0 "$ctl" create "$pool"
add "$pool" AAAA
id=$(id_of "$pool" 0)

# wrong MESSAGE PROGRAM [ARGUMENT]...: check that it is refused as wrong usage, with a pointer to the help.
wrong() {
    message=$1
    shift
    refused 1 "$@"
    is "$(head -n 1 "$err")" "$(basename "$1"): $message" "the message"
    is "$(tail -n 1 "$err")" "See: $(basename "$1") --help" "the way on"
}

wrong 'a command is missing' "$ctl"
wrong 'there is no such command: frobnicate' "$ctl" frobnicate "$pool"
wrong 'there is no such command: frobnicate' "$ctl" help frobnicate
wrong 'there is no such command: frobnicate' "$ctl" frobnicate --help
wrong 'there is no such command: list; keyshm-stat --pools lists the pools' "$ctl" list
wrong 'there is no such command: lists' "$ctl" lists
wrong 'there is no such command' "$ctl" "$(key AAAA)"
wrong 'there is no such command' "$ctl" '' "$pool"
for command in create destroy add remove next mark reset export import verify; do
    wrong "$command: POOL is missing" "$ctl" "$command"
    wrong '--frobnicate is not an option, or takes no value' "$ctl" "$command" "$pool" --frobnicate
    wrong '--frobnicate is not an option, or takes no value' "$ctl" "$command" "$pool" "--frobnicate=$(key AAAA)"
    wrong '-x is not an option, or takes no value' "$ctl" "$command" "$pool" -x
    wrong '-k is not an option, or takes no value' "$ctl" "$command" "$pool" "-k$(key AAAA)"
done
too_many='too many arguments (a key is never taken from the command line)'
for command in create destroy add next reset export verify; do
    wrong "$command: $too_many" "$ctl" "$command" "$pool" "$(key BBBB)"
    wrong "$command: $too_many" "$ctl" "$command" "$pool" -- "$(key BBBB)" "$(key CCCC)" "$(key DDDD)" "$(key EEEE)"
done
wrong "import: $too_many" "$ctl" import "$pool" "$tmp/none" "$(key BBBB)"
wrong "remove: $too_many" "$ctl" remove "$pool" "$id" "$(key BBBB)"
wrong "mark: $too_many" "$ctl" mark "$pool" "$id" available "$(key BBBB)"
wrong 'remove: ID is missing' "$ctl" remove "$pool"
wrong 'mark: ID is missing' "$ctl" mark "$pool"
wrong 'mark: STATUS is missing' "$ctl" mark "$pool" "$id"

# Options of another command, without their value, or with one they do not take.
wrong 'destroy: --capacity is not for this command' "$ctl" destroy "$pool" --capacity 5
wrong 'destroy: --key-max is not for this command' "$ctl" destroy "$pool" --key-max 5
wrong 'add: --cooldown is not for this command' "$ctl" add "$pool" --cooldown 5
wrong 'next: --env is not for this command' "$ctl" next "$pool" --env
wrong 'exec: --json is not for this command' "$ctl" exec "$pool" --json --env NAME -- true
wrong 'export: --json is not for this command' "$ctl" export "$pool" --json
wrong 'import: --with-keys is not for this command' "$ctl" import "$pool" --with-keys
wrong 'export: --dry-run is not for this command' "$ctl" export "$pool" --dry-run
wrong 'create: --retry-after is not for this command' "$ctl" create "$pool" --retry-after 5
wrong '--capacity needs a value' "$ctl" create "$pool" --capacity
wrong '--json is not an option, or takes no value' "$ctl" next "$pool" --json=5
holds 1

wrong '--frobnicate is not an option, or takes no value' "$stat" --frobnicate
wrong '-x is not an option, or takes no value' "$stat" -jx "$pool"
wrong '--json is not an option, or takes no value' "$stat" --json=5 "$pool"
for bad in '' . a/b '*'; do
    refused 1 "$stat" "$bad"
    err_has "^keyshm-stat: this cannot be a pool's name: "
done

# Help and version, on standard output.
for program in "$stat" "$ctl"; do
    for option in --help -h; do
        run 0 "$program" "$option"
        out_has "^Usage: $(basename "$program") "
        out_has '^Exit status: '
        [ ! -s "$err" ] || fail "the help is printed to standard error"
        [ "$(wc -L <"$out")" -le 120 ] || fail "lines that are too long"
    done
    for option in --version -V; do
        run 0 "$program" "$option"
        out_is "$(basename "$program") (keyshm) $KEYSHM_VERSION"
    done
done

run 0 "$ctl" --help
cp "$out" "$tmp/help"
for command in create destroy add remove next mark reset export import verify; do
    run 0 "$ctl" "$command" --help
    out_has "^Usage: keyshm-ctl $command POOL"
    sed -n '1s/^Usage: keyshm-ctl/ /p' "$out" | grep -qxFf - "$tmp/help" || fail "$command is not in the help"
done
run 0 "$ctl" create --help
for option in --capacity --key-max --cooldown; do
    out_has " $option: "
done

cp "$out" "$tmp/create"
run 0 "$ctl" help create
cmp "$out" "$tmp/create" || fail "help create is not create --help"
run 0 "$ctl" help
cmp "$out" "$tmp/help" || fail "help is not --help"
run 0 "$ctl" help help
cmp "$out" "$tmp/help" || fail "help help is not --help"
out_has '^ *keyshm-ctl help \[COMMAND\]$'

# A level of the log that there is not.
run 0 env KEYSHM_LOG=verbose "$ctl" --version
is "$(cat "$err")" 'keyshm-ctl: KEYSHM_LOG must be error, warning, info or debug; it is ignored'
run 0 env KEYSHM_LOG= "$stat" --version
[ ! -s "$err" ] || fail "an unexpected message"

# Every member of the JSON is in the help.
run 0 "$stat" --help
cp "$out" "$tmp/help"
for member in $(of_pool "$pool") $(of_pool "$pool" keys 0); do
    grep -q " $member  " "$tmp/help" || fail "$member is not in the help"
done
