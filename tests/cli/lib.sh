# SPDX-License-Identifier: MIT
# shellcheck shell=dash disable=SC2034,SC2119,SC2120
#
# Every test here begins with:
#
#     . "$(dirname "$0")/lib.sh"
#
# The first failed check ends the test and shows what the program printed. Every key that the tests use contains $secret,
# and run() fails if any command but `next` prints it.

set -eu
: "${KEYSHM_STAT:?}" "${KEYSHM_CTL:?}" "${KEYSHM_VERSION:?}" "${JSON_GET:?}" "${FIXTURE:?}"
unset KEYSHM_LOG KEYSHM_PROVIDERS POSIXLY_CORRECT
export LC_ALL=C.UTF-8

here=$(dirname "$0")
stat=$KEYSHM_STAT
ctl=$KEYSHM_CTL
secret=TOPSECRET

# Unique; the names of all pools of this test begin with it.
pool=cli-$(basename "$0" .sh | tr _ -)-$$
segments=/dev/shm/keyshm.$(id -u).$("$FIXTURE" layout)
segment=$segments.$pool

tmp=$(mktemp -d)
in=$tmp/in
out=$tmp/out
err=$tmp/err
helpers=

clean_up() {
    local helper
    for helper in $helpers; do
        kill -KILL "$helper" 2>/dev/null || true
    done
    rm -rf "$tmp" "/dev/shm/keyshm.$(id -u)."*".$pool"*
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

fail() {
    local file
    printf 'FAILED: %s\n' "$*" >&2
    for file in "$out" "$err"; do
        if [ -s "$file" ]; then
            printf -- '--- %s ---\n' "$(basename "$file")" >&2
            head -c 4000 "$file" >&2
        fi
    done
    exit 1
}

skip() {
    printf 'SKIPPED: %s\n' "$*"
    exit 77
}

# run STATUS PROGRAM [ARGUMENT]...: check that it exits with STATUS. Its output is in $out and $err.
run() {
    local wanted="$1" status
    shift
    status=0
    "$@" >"$out" 2>"$err" || status=$?
    [ "$status" -eq "$wanted" ] || fail "exit status $status, not $wanted: $*"
    ! grep -q "$secret" "$err" || fail "a key on standard error: $*"
    [ "${2:-}" = next ] || ! grep -q "$secret" "$out" || fail "a key on standard output: $*"
}

# refused STATUS PROGRAM [ARGUMENT]...: the same, and it prints only an error message.
refused() {
    run "$@"
    [ ! -s "$out" ] || fail "output although it was refused: $*"
    [ -s "$err" ] || fail "refused without a message: $*"
}

is() {
    [ "$1" = "$2" ] || fail "'$1' is not '$2'${3:+: $3}"
}

out_is() {
    is "$(cat "$out")" "$1" "standard output"
}

out_has() {
    grep -qe "$1" "$out" || fail "no '$1' on standard output"
}

err_has() {
    grep -qe "$1" "$err" || fail "no '$1' on standard error"
}

silent() {
    [ ! -s "$out" ] || fail "unexpected output"
    [ ! -s "$err" ] || fail "an unexpected message"
}

# feed FORMAT [ARGUMENT]...: write to $in as printf(1).
feed() {
    # shellcheck disable=SC2059
    printf "$@" >"$in"
}

# key WXYZ: print a key that ends in WXYZ. Its masked form is sk-…WXYZ.
key() {
    printf 'sk-%s-0123456789-%s' "$secret" "$1"
}

# add POOL WXYZ...: add such keys.
add() {
    local to="$1" end
    shift
    for end; do
        printf '%s\n' "$(key "$end")"
    done >"$in"
    run 0 "$ctl" add "$to" <"$in"
}

# json PATH...: print a value of the JSON in $out.
json() {
    "$JSON_GET" "$@" <"$out" || fail "no such value in the JSON: $*"
}

# of_pool POOL PATH...: print a value of the JSON of a pool. Does not change $out.
of_pool() {
    local from="$1"
    shift
    "$stat" --json "$from" >"$tmp/json" || fail "keyshm-stat --json $from"
    "$JSON_GET" pools 0 "$@" <"$tmp/json" || fail "no such value in the JSON: $*"
}

# id_of POOL SLOT
id_of() {
    of_pool "$1" keys "$2" id
}

holds() {
    is "$(of_pool "$pool" count)" "$1" "keys in the pool"
}

# keep hold|change|lease POOL [...]: start a process that takes the mutex, or a lease, and holds it until killed. $holder is its pid.
keep() {
    local said
    mkfifo "$tmp/held"
    "$FIXTURE" "$@" >"$tmp/held" &
    holder=$!
    helpers="$helpers $holder"
    read -r said <"$tmp/held"
    is "$said" held
    rm "$tmp/held"
    comes_to S "$holder"
}

# comes_to STATE PID: wait until it is in that state, a letter as in /proc/PID/status. On a busy machine that takes its time.
comes_to() {
    until grep -q "^State:.$1" "/proc/$2/status"; do
        kill -0 "$2" 2>/dev/null || fail "pid $2 ended before it came to the state $1"
        sleep 0.01
    done
}

# comes_to_say PATTERN PID: wait until that process, whose output goes to $out, has printed it.
comes_to_say() {
    until grep -qe "$1" "$out"; do
        kill -0 "$2" 2>/dev/null || fail "pid $2 ended before it printed '$1'"
        sleep 0.01
    done
}

# stop PID: stop the process, and return when it is stopped.
stop() {
    kill -STOP "$1"
    comes_to T "$1"
}

# on_terminal COLUMNS COMMAND: run it on a terminal of this width. Its output is in $out.
on_terminal() {
    SHELL=/bin/sh script --quiet --return --command "stty cols $1 -opost && $2" /dev/null >"$out" 2>"$err" </dev/null ||
        fail "on a terminal: $2"
    ! grep -q "$secret" "$out" || fail "a key on the terminal: $2"
}

# enter_private_shm HOW [OPTION]...: run the test again, by the command HOW, where /dev/shm is empty and its own, mounted with
# those options. Returns where that is not permitted.
enter_private_shm() {
    local how="$1" status=0
    shift
    # shellcheck disable=SC2086
    if $how mount -t tmpfs "$@" tmpfs /dev/shm 2>/dev/null; then
        # shellcheck disable=SC2016
        HAS_PRIVATE_SHM=1 $how sh -c 'mount -t tmpfs "$@" tmpfs /dev/shm && exec sh "$0"' "$0" "$@" || status=$?
        exit "$status"
    fi
}

# with_private_shm [OPTION]...: the same, and where it is not permitted the test is skipped.
with_private_shm() {
    if [ -n "${HAS_PRIVATE_SHM:-}" ]; then
        return
    fi
    enter_private_shm "unshare --mount" "$@"
    enter_private_shm "unshare --map-root-user --mount" "$@"
    skip "not permitted to mount a file system of its own on /dev/shm"
}

# apart_from_other_pools: for a test that looks at all pools there are. Those of another build, which may have another layout,
# are to be out of the way where that is possible.
apart_from_other_pools() {
    [ -n "${HAS_PRIVATE_SHM:-}" ] || enter_private_shm "unshare --mount"
}
