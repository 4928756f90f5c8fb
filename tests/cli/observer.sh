#!/bin/sh
# SPDX-License-Identifier: MIT
#
# keyshm-stat asks the system for a read-only mapping, for no lock, and for nothing to be written but its output.
. "$(dirname "$0")/lib.sh"

command -v strace >/dev/null || skip "needs strace"
strace -o "$tmp/trace" true 2>/dev/null || skip "not permitted to trace"

run 0 "$FIXTURE" create "$pool" 1000
add "$pool" AAAA
before=$(cksum <"$segment")
for option in --ids --json; do
    # LeakSanitizer cannot work under strace.
    run 0 env ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" strace -f -o "$tmp/trace" "$stat" "$option" "$pool"

    grep -F "$segment\"" "$tmp/trace" | grep -E 'open(at2?)?\(' >"$tmp/opened" || fail "the segment was not opened as expected"
    is "$(grep -c . "$tmp/opened")" "$(grep -c 'O_RDONLY' "$tmp/opened")" "times opened, and read-only of these"
    grep -q 'mmap(.*PROT_READ, MAP_SHARED' "$tmp/trace" || fail "the segment was not mapped read-only"
    ! grep -E 'mmap\(.*PROT_WRITE.*MAP_SHARED' "$tmp/trace" >&2 || fail "a writable shared mapping"
    ! grep -E 'futex\(.*(WAIT|LOCK)|flock\(|F_SETLK|F_OFD_SETLK' "$tmp/trace" >&2 || fail "a lock"
    ! grep -E '(write|pwrite64|writev)\(([03-9]|[0-9]{2})' "$tmp/trace" >&2 || fail "something written but the output"
    ! grep -E '(ftruncate|fallocate|unlink(at)?|rename(at)?2?|fchmod|mlock)\(' "$tmp/trace" >&2 || fail "a change"
done
is "$(cksum <"$segment")" "$before" "the segment's bytes"
