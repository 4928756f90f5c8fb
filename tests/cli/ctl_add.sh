#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

# picks KEY...: check that the next picks are these keys.
picks() {
    for wanted; do
        run 0 "$ctl" next "$pool"
        is "$(cut -d ' ' -f 2- "$out")" "$wanted" "the key as it was given"
    done
}

# One line per key, in their order, and a summary.
run 0 "$ctl" create "$pool" --capacity 8 --key-max 64
feed '%s\n%s\n' "$(key AAAA)" "$(key BBBB)"
run 0 "$ctl" add "$pool" <"$in"
out_is "$(id_of "$pool" 0) sk-…AAAA
$(id_of "$pool" 1) sk-…BBBB"
err_has "^keyshm-ctl: pool $pool: 2 added, 0 present before; it has 2/8 keys$"
picks "$(key AAAA)" "$(key BBBB)" "$(key AAAA)"

# --dry-run checks everything, and changes nothing.
feed '%s\n%s\n' "$(key BBBB)" "$(key CCCC)"
before=$(cksum <"$segment")
run 0 "$ctl" add "$pool" --dry-run <"$in"
out_is 'nothing was changed; it would be: 1 added, 1 present before'
run 0 "$ctl" add "$pool" --dry-run --json <"$in"
is "$(json added) $(json present) $(json count) $(json is_dry_run)" '1 1 2 true'
is "$(json keys 0 id) $(json keys 0 masked_key) $(json keys 1 id) $(json keys 1 masked_key)" "$(id_of "$pool" 1) sk-…BBBB 0 -"
feed '%s\n"\n' "$(key CCCC)"
refused 1 "$ctl" add "$pool" --dry-run <"$in"
is "$(cksum <"$segment")" "$before" "the pool after --dry-run"

# A key that is already in the pool, or earlier in the input, is no error and has the same id.
feed '%s\n%s\n%s\n' "$(key BBBB)" "$(key CCCC)" "$(key CCCC)"
run 0 "$ctl" add "$pool" <"$in"
out_is "$(id_of "$pool" 1) sk-…BBBB present
$(id_of "$pool" 2) sk-…CCCC"
err_has ": 1 added, 1 present before; it has 3/8 keys$"

# The log reports it too, without showing keys.
run 0 env KEYSHM_LOG=debug "$ctl" add "$pool" <"$in"
err_has '^keyshm: debug: .* sk-…BBBB'

# CRLF line ends, blank lines, comments, quotes around a key, and a last line without a newline.
feed '\n\r\n%s\r\n\n# a comment, longer than any key: %05000d\n#\r\n"%s"\r\n""\n%s' "$(key DDDD)" 0 "$(key EEEE)" "$(key FFFF)"
run 0 "$ctl" add "$pool" <"$in"
picks "$(key BBBB)" "$(key CCCC)" "$(key DDDD)" "$(key EEEE)" "$(key FFFF)"
feed '%s\r' "$(key DDDD)"
run 0 "$ctl" add "$pool" <"$in"
out_is "$(id_of "$pool" 3) sk-…DDDD present"

# Valid keys: short, as long as the pool allows, like an assignment. Nothing of a short key is shown.
long=$(printf "%64s" "$secret" | tr ' ' L)
feed '%s\n%s\n' "$secret==" "$long"
run 0 "$ctl" add "$pool" <"$in"
out_is "$(id_of "$pool" 6) …
$(id_of "$pool" 7) …CRET"
holds 8
picks "$secret==" "$long" "$(key AAAA)"

# The last free slot, for a key that is given twice; and a full pool with nothing new to add.
run 0 "$ctl" remove "$pool" "$(id_of "$pool" 2)"
feed '%s\n%s\n%s\n' "$(key GGGG)" "$(key AAAA)" "$(key GGGG)"
run 0 "$ctl" add "$pool" <"$in"
out_is "$(id_of "$pool" 2) sk-…GGGG
$(id_of "$pool" 0) sk-…AAAA present"
run 0 "$ctl" add "$pool" <"$in"
err_has ": 0 added, 2 present before; it has 8/8 keys$"

# The longest possible key, with a CRLF line end.
run 0 "$ctl" create "$pool.wide" --key-max 4096
head -c 4096 /dev/zero | tr '\0' K >"$in"
printf '\r\n' >>"$in"
run 0 "$ctl" add "$pool.wide" <"$in"
out_is "$(id_of "$pool.wide" 0) …KKKK"
run 0 "$ctl" next "$pool.wide"
is "$(wc -c <"$out")" "$(($(id_of "$pool.wide" 0 | wc -c) + 4097))" "bytes of the id and the key"

# Many keys.
run 0 "$ctl" create "$pool.many" --capacity 20000 --key-max 40
seq -f "sk-$secret-%020.0f" 20000 >"$in"
run 0 "$ctl" add "$pool.many" <"$in"
is "$(wc -l <"$out")" 20000 "lines"
is "$(of_pool "$pool.many" count)" 20000

# Input that arrives in pieces.
run 0 "$ctl" create "$pool.slow"
mkfifo "$tmp/fifo"
"$ctl" add "$pool.slow" <"$tmp/fifo" >"$out" 2>"$err" &
adding=$!
exec 3>"$tmp/fifo"
for piece in sk- "$secret" - 0123456789 -AAAA; do
    printf '%s' "$piece" >&3
done
exec 3>&-
wait "$adding" || fail "adding in pieces"
is "$(of_pool "$pool.slow" keys 0 masked_key)" sk-…AAAA

refused 2 "$ctl" add "$pool.none" <"$in"
err_has "pool $pool.none: there is no such pool; make it with: keyshm-ctl create $pool.none$"
