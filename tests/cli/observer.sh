#!/bin/sh
# SPDX-License-Identifier: MIT
#
# keyshm-stat makes only read-only mappings, takes no lock, and writes only its output, as seen from its system calls.
. "$(dirname "$0")/lib.sh"

command -v strace >/dev/null || skip "needs strace"
strace -o "$tmp/trace" true 2>/dev/null || skip "not permitted to trace"

run 0 "$FIXTURE" create "$pool" 1000
add "$pool" AAAA
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 0)" invalid
keep hold "$pool" # the worker that is shown, with a mutex that must not be waited for
before=$(cksum <"$segment")

# only_looks [OPTION]...: check that $tmp/trace has only the system calls of reading.
only_looks() {
    grep -F "$segment\"" "$tmp/trace" | grep -E 'open(at2?)?\(' >"$tmp/opened" || fail "the segment was not opened as expected: $*"
    is "$(grep -c . "$tmp/opened")" "$(grep -c 'O_RDONLY' "$tmp/opened")" "times opened, and read-only of these: $*"
    grep -q 'mmap(.*PROT_READ, MAP_SHARED' "$tmp/trace" || fail "the segment was not mapped read-only: $*"
    ! grep -E 'mmap\(.*PROT_WRITE.*MAP_SHARED' "$tmp/trace" >&2 || fail "a writable shared mapping: $*"
    ! grep -E 'futex\(.*(WAIT|LOCK)|flock\(|F_SETLK|F_OFD_SETLK' "$tmp/trace" >&2 || fail "a lock: $*"
    # To end on a signal, it writes to a pipe of its own.
    ! grep -E '(write|pwrite64|writev)\(([03-9]|[0-9]{2})' "$tmp/trace" | grep -vF '"\17", 1' >&2 ||
        fail "something other than the output was written: $*"
    ! grep -E '(ftruncate|fallocate|unlink(at)?|rename(at)?2?|fchmod|mlock)\(' "$tmp/trace" >&2 || fail "a change: $*"
    is "$(cksum <"$segment")" "$before" "the segment's bytes: $*"
}

# LeakSanitizer cannot work under strace.
ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"
export ASAN_OPTIONS
for options in --ids --json --raw --output-all --openmetrics --events '--events --json' --workers '--workers --raw' \
    --pools '--pools --json' --check '--watch=0.1 --json -n 2' '--watch=0.1 --openmetrics -n 2' '--batch -n 1' \
    '--sort=-picks --status=invalid --key=*'; do
    set -f
    # shellcheck disable=SC2086
    run 0 strace -f -o "$tmp/trace" "$stat" $options "$pool"
    set +f
    only_looks "$options"
done
: >"$out" # the table before has "until marked" in it
strace -f -o "$tmp/trace" "$stat" --follow "$pool" >"$out" 2>"$err" &
tracer=$!
comes_to_say ' marked ' "$tracer"
# Each line of the trace begins with the number of the process.
kill -TERM "$(sed -n '1s/ .*//p' "$tmp/trace")"
wait "$tracer"
only_looks --follow
