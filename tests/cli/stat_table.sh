#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

# table NAME: compare $out with golden/NAME, except for values that vary between runs, and their widths.
table() {
    time='([0-9]+[dhm] )?[0-9]+(\.[0-9])?[hms]'
    sed -E -e "s/$pool/POOL/g; s/age $time,/age AGE,/; s/$time ago/AGO/; s/$time /LEFT /; s/ +/ /g; s/ \$//" \
        "$out" >"$tmp/table"
    diff -u "$here/golden/$1" "$tmp/table" >&2 || fail "not as in golden/$1"
}

run 0 "$ctl" create "$pool" --capacity 9
run 0 "$stat" "$pool"
table empty.txt

feed '%s\n%s\n%s\n%s\n%s\n' "$(key AAAA)" "$(key BBBB)" "$secret" "AIza$(key DDDD | tr - _)" "$(key EEEE)"
run 0 "$ctl" add "$pool" <"$in"
run 0 "$ctl" next "$pool"
run 0 "$ctl" next "$pool"
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 1)" rate_limited --retry-after 7260
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 2)" quota_exceeded
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 3)" invalid
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 4)" quota_exceeded --retry-after 31622400
run 0 "$stat" "$pool"
[ ! -s "$err" ] || fail "an unexpected message"
table mixed.txt
run 0 "$stat" --ids "$pool"
table ids.txt

# The columns are aligned: every line of the table is as wide as the others.
run 0 "$stat" "$pool"
sed 1d "$out" | while IFS= read -r line; do
    printf '%s\n' "$line" | wc -L
done >"$tmp/widths"
is "$(sort -u "$tmp/widths" | wc -l)" 1 "different widths of lines"

# Durations are shown in the largest unit that fits.
run 0 "$ctl" create "$pool.times"
add "$pool.times" AAAA
said_as() {
    run 0 "$ctl" mark "$pool.times" "$(id_of "$pool.times" 0)" available
    run 0 "$ctl" mark "$pool.times" "$(id_of "$pool.times" 0)" quota_exceeded --retry-after "$1"
    run 0 "$stat" "$pool.times"
    out_has " quota_exceeded *$2 "
}
said_as 59 '5[0-9]\.[0-9]s'
said_as 3599 '5[0-9]m [0-9][0-9]s'
said_as 86000 '23h [0-9][0-9]m'
said_as 8640000 '\(99d 23h\|100d 00h\)'

# Several pools, in the order of the command line. A missing one does not hide the others.
run 2 "$stat" "$pool.times" "$pool.none" "$pool"
err_has "^keyshm-stat: pool $pool.none: there is no such pool; make it with: keyshm-ctl create $pool.none$"
is "$(grep -c '^SLOT ' "$out")" 2 "tables"
is "$(grep ' keys, ' "$out" | cut -d : -f 1)" "$pool.times
$pool"
is "$(grep -c '^$' "$out")" 1 "empty lines between the tables"

# The exit status is the highest of all pools.
head -c 5000 /dev/urandom >"$segment.damaged"
chmod 600 "$segment.damaged"
run 3 "$stat" "$pool.none" "$pool.damaged" "$pool"
run 3 "$stat" "$pool.damaged" "$pool.none" "$pool"
run 2 "$stat" '' "$pool.none" "$pool"
run 1 "$stat" "$pool" ''
out_has "^$pool: 5/9 keys, "

# Inspection has changed nothing: the next pick continues after the last one.
run 0 "$ctl" next "$pool"
out_is "$(id_of "$pool" 0) $(key AAAA)"
