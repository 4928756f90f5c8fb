#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

# follow ARGUMENT...: run it in the background, with its output in $tmp/followed and $tmp/complaints.
follow() {
    : >"$tmp/followed"
    # A shell lets what it starts in the background ignore SIGINT.
    env --default-signal=INT "$stat" --follow "$@" >"$tmp/followed" 2>"$tmp/complaints" &
    follower=$!
    helpers="$helpers $follower"
}

# until_there FILE PATTERN [COUNT]: wait until FILE has COUNT lines that match.
until_there() {
    tries=0
    until [ "$(grep -c "$2" "$1")" -ge "${3:-1}" ]; do
        tries=$((tries + 1))
        if [ "$tries" -ge 6000 ]; then
            cat "$tmp/followed" "$tmp/complaints" >&2
            fail "'$2' does not appear"
        fi
        sleep 0.1
    done
}

# ends SIGNAL STATUS: send it SIGNAL, and check its exit status.
ends() {
    kill "-$1" "$follower"
    status=0
    wait "$follower" || status=$?
    is "$status" "$2" "the exit status"
    ! grep -q "$secret" "$tmp/followed" "$tmp/complaints" || fail "a key"
}

run 0 "$ctl" create "$pool"
add "$pool" AAAA
id=$(id_of "$pool" 0)

# The events that are kept, then new ones as they happen.
follow "$pool"
until_there "$tmp/followed" ' added '
run 0 "$ctl" mark "$pool" "$id" quota_exceeded
until_there "$tmp/followed" ' marked .* quota_exceeded '
run 0 "$ctl" mark "$pool" "$id" invalid
until_there "$tmp/followed" ' marked .* quota_exceeded *invalid '
is "$(grep -c '^TIME ' "$tmp/followed")" 1 "headings"
is "$(wc -l <"$tmp/followed")" 4

# The pool is destroyed, and another one is created.
run 0 "$ctl" destroy "$pool"
until_there "$tmp/complaints" "^keyshm-stat: pool $pool: it was destroyed; going on when there is another$"
run 0 "$ctl" create "$pool"
add "$pool" BBBB
until_there "$tmp/followed" 'added.*sk-…BBBB'
until_there "$tmp/complaints" "^keyshm-stat: pool $pool: there is one again$"
is "$(wc -l <"$tmp/followed")" 5
is "$(wc -l <"$tmp/complaints")" 2
ends TERM 0

# Events from just before a pool was destroyed are shown, even if another pool replaces it at once.
follow "$pool" --raw --noheadings -o kind,key
until_there "$tmp/followed" BBBB
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 0)" invalid
run 0 "$ctl" destroy "$pool"
run 0 "$ctl" create "$pool"
add "$pool" CCCC
until_there "$tmp/followed" CCCC
is "$(sed 's/\\xe2\\x80\\xa6/_/' "$tmp/followed" | tr '\n' ,)" 'added sk-_BBBB,marked sk-_BBBB,added sk-_CCCC,'
ends INT 0

# JSON: one object per line, which names its pool.
follow "$pool" --json
until_there "$tmp/followed" '"provider":"'"$pool"'"'
"$JSON_GET" masked_key <"$tmp/followed" >"$out" || fail "no JSON"
out_is sk-…CCCC
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 0)" invalid
until_there "$tmp/followed" '"kind":"marked"'
is "$(tail -n 1 "$tmp/followed" | "$JSON_GET" to)" invalid
ends TERM 0

# Filters, and other columns.
follow "$pool" --status invalid --raw --noheadings -o to,pool
until_there "$tmp/followed" "^invalid $pool$"
is "$(wc -l <"$tmp/followed")" 1
ends HUP 0

# All pools, including those that are created later.
follow --raw --noheadings -o pool,kind
until_there "$tmp/followed" "^$pool marked"
run 0 "$ctl" create "$pool.later"
add "$pool.later" DDDD
until_there "$tmp/followed" "^$pool.later added"
ends TERM 0

# The segment is overwritten, and created again.
follow "$pool.later" --raw
until_there "$tmp/followed" added
head -c 100000 /dev/zero >"$segment.later"
until_there "$tmp/complaints" "^keyshm-stat: pool $pool.later: "
rm "$segment.later"
run 0 "$ctl" create "$pool.later"
add "$pool.later" EEEE
until_there "$tmp/followed" EEEE
ends TERM 0

# The reader has gone: it exits silently, even if there are no new events.
mkfifo "$tmp/pipe"
"$stat" --follow "$pool" >"$tmp/pipe" 2>"$tmp/complaints" &
follower=$!
helpers="$helpers $follower"
head -n 1 "$tmp/pipe" >"$out"
wait "$follower" || fail "it fails after the reader closed the pipe"
[ ! -s "$tmp/complaints" ] || fail "an error message after the reader closed the pipe"

exec 3<>"$tmp/pipe"
exec 4>"$tmp/pipe"
exec 3<&-
"$stat" --follow "$pool" >&4 2>"$err" || fail "it fails on a pipe without a reader"
[ ! -s "$err" ] || fail "an error message for a pipe without a reader"
exec 4>&-

# A pool that does not exist at the start, or a file that is not a pool.
refused 2 "$stat" --follow "$pool" "$pool.none"
err_has "^keyshm-stat: pool $pool.none: there is no such pool; "
refused 1 "$stat" --follow a/b
status=0
"$stat" --follow "$pool" >/dev/full 2>"$err" || status=$?
is "$status" 1 "the exit status when the output cannot be written"
err_has 'cannot write'

# Marks of a group and for a model, also of those that are made meanwhile.
run 0 "$ctl" create "$pool.parts"
add "$pool.parts" AAAA
id=$(id_of "$pool.parts" 0)
follow "$pool.parts"
until_there "$tmp/followed" ' added '
acme=$("$FIXTURE" group "$pool.parts" acme)
model=$("$FIXTURE" model "$pool.parts" gpt-4o)
run 0 "$FIXTURE" set-group "$pool.parts" "$id" "$acme"
run 0 "$FIXTURE" mark "$pool.parts" "$id" "$model" group invalid permission -
until_there "$tmp/followed" "^[^ ]* marked  *acme  *gpt-4o  *$acme  *available  *invalid "
run 0 "$FIXTURE" mark "$pool.parts" "$id" "$model" key invalid permission -
until_there "$tmp/followed" "^[^ ]* marked  *sk-…AAAA  *gpt-4o  *$id  *available  *invalid "
ends TERM 0
follow --json "$pool.parts"
until_there "$tmp/followed" '"scope":"group","group":"acme","model":"gpt-4o"'
ends TERM 0
