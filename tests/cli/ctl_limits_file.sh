#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A file of limits is checked as a whole before anything is changed, and a message says which line is wrong.
. "$(dirname "$0")/lib.sh"

run 0 "$ctl" create "$pool"
add "$pool" AAAA BBBB
first=$(id_of "$pool" 0)
run 0 "$ctl" group "$pool" 'org a'
run 0 "$ctl" group "$pool" "it's"
run 0 "$ctl" model "$pool" m/1
file=$tmp/limits.conf

cat >"$file" <<'END'
# What the provider allows: tier 2.
all --requests 60/min --requests-burst=20 --tokens 90k/min   # of each key

all --model m/1 --requests 5/s
--group 'org a' --in-flight 4
--model "m/1" --tokens 1M/day --group "it's"
	--group it\'s --requests 500/min --tokens-charge pick --tokens 5/s
sk-...BBBB --none
END
printf '  \r\n#\n%s --requests none\r' "$first" >>"$file"
run 0 "$ctl" limits "$pool" --file "$file" --dry-run
out_is 'nothing was changed; it would be: 6 set, 1 removed'
run 0 "$ctl" limits "$pool"
out_is 'all --none'
run 0 "$ctl" limits "$pool" --file "$file"
out_is '6 set, 1 removed'
run 0 "$ctl" limits "$pool"
printed="all --requests 60/min --requests-burst 20 --tokens 90k/min --tokens-burst 15k --tokens-charge release
all --model m/1 --requests 5/s --requests-burst 1
--group 'org a' --in-flight 4
--group 'it'\\''s' --requests 500/min --requests-burst 83 --tokens 5/s --tokens-burst 1 --tokens-charge pick
--group 'it'\\''s' --model m/1 --tokens 1M/day --tokens-burst 166666 --tokens-charge release
$first --requests none"
out_is "$printed"

# What is printed is such a file; here for another pool, whose groups and models have other numbers.
mv "$out" "$tmp/printed"
other=$pool.other
run 0 "$ctl" create "$other"
add "$other" AAAA BBBB
run 0 "$ctl" model "$other" m/0
run 0 "$ctl" model "$other" m/1
run 0 "$ctl" group "$other" "it's"
run 0 "$ctl" group "$other" 'org a'
run 0 "$ctl" limits "$other" --file - --json <"$tmp/printed"
is "$(json limits) $(json limits 0 requests burst) $(json limits 1 requests burst) $(json is_dry_run)" '6 20 1 false'
run 0 "$ctl" limits "$other"
sort "$out" >"$tmp/sorted"
sort "$tmp/printed" | diff - "$tmp/sorted" >&2 || fail "not the same limits"

# A line has all limits of its subject, and others stay.
feed '%s\n' "--group 'org a' --tokens 5/s" 'all --in-flight 3'
run 0 "$ctl" limits "$pool" --file - <"$in"
out_is '2 set, 0 removed'
run 0 "$ctl" limits "$pool"
is "$(sed -n '1p; 3p' "$out" | tr '\n' ' ')" "all --in-flight 3 --group 'org a' --tokens 5/s --tokens-burst 1 --tokens-charge release "
is "$(wc -l <"$out")" 6
mv "$out" "$tmp/printed"

# An empty one is no mistake.
run 0 "$ctl" limits "$pool" --file /dev/null
out_is '0 set, 0 removed'

# ---- mistakes ----

# refused_as MESSAGE: $file is refused with that message, from standard input as well.
refused_as() {
    refused 1 "$ctl" limits "$pool" --file "$file"
    is "$(cat "$err")" "keyshm-ctl: $file:$1; nothing was changed"
    refused 1 "$ctl" limits "$pool" --file - <"$file"
    is "$(cat "$err")" "keyshm-ctl: standard input:$1; nothing was changed"
    refused 1 "$ctl" limits "$pool" --file "$file" --dry-run
    run 0 "$ctl" limits "$pool"
    cmp -s "$out" "$tmp/printed" || fail "something has changed: $1"
}

# bad MESSAGE FORMAT [ARGUMENT]...: that line is refused, after others that are right, one of them a comment.
bad() {
    local message="$1" format="$2"
    shift 2
    printf 'all --requests 7/s\n# comment\n' >"$file"
    # shellcheck disable=SC2059
    printf -- "$format\nall --model m/1 --tokens 5/s\n" "$@" >>"$file"
    refused_as "3: $message"
}
rate='an amount and a time, such as 60/min, 90k/min, 1000/day or 8/600ms, or none'
bad "--requests must be $rate" "$first --requests 60"
bad "--requests must be $rate" "$first --requests= --tokens 5/s"
bad "--requests must be $rate" "$first --requests '5/s '"
bad "--requests must be $rate" "$first --requests %s" "$(key AAAA)"
bad '--tokens-burst must be a number from 1 on, such as 10, 15k or 2M' "$first --tokens 5/s --tokens-burst 0"
bad '--tokens-charge must be pick or release' "$first --tokens 5/s --tokens-charge never"
bad '--in-flight must be a number from 1 to 1024, or none' "$first --in-flight 0"
bad '--requests needs a value' "$first --requests"
bad 'it has an option that is none of a line of limits, or takes no value' "$first --json"
bad 'it has an option that is none of a line of limits, or takes no value' "$first --none=5"
bad 'it has an option that is none of a line of limits, or takes no value' "$first --request 5/s"
bad 'it has an option that is none of a line of limits, or takes no value' "$first -- --requests 5/s"
id_rule='ID must be a number, as keyshm-stat --ids shows it, or the masked form of a key, such as sk-...6789, or all'
bad "$id_rule" 'org-a --requests 5/s'
bad "$id_rule" '%s --requests 5/s' "$(key AAAA)"
bad "$id_rule" '"" --requests 5/s'
bad 'it has a second ID, or a value without its option' "$first $first --requests 5/s"
bad 'it has a second ID, or a value without its option' "$first --none 5/s"
bad 'ID and --group do not go together' "all --group it\\\\'s --requests 5/s"
bad 'it has no limit; where there is to be none, it has --none' "$first"
bad 'it has no limit; where there is to be none, it has --none' "--group 'org a' --model m/1"
bad '--none and a limit do not go together' "$first --none --requests 5/s"
bad '--tokens-burst goes with --tokens, and there is no such rate' "$first --tokens-burst 5"
bad 'a cap of requests in flight is for whatever the model, not for one' "$first --model m/1 --in-flight 5"
made='the pool was made for a cap of up to'
more='more need one made with: keyshm-ctl create'
bad "$made 16 requests in flight of a key; $more --in-flight-max N" "$first --in-flight 17"
bad "$made 64 requests in flight of a group; $more --group-in-flight-max N" "--group 'org a' --in-flight 65"
bad "the pool has no group of that name; make it with: keyshm-ctl group $pool NAME" '--group org --requests 5/s'
bad "the pool has no group of that name; make it with: keyshm-ctl group $pool NAME" '--group %s --none' "$(key AAAA)"
bad "the pool has no model of that name; make it with: keyshm-ctl model $pool NAME" '--model m --requests 5/s'
name='must be 1 to 128 bytes of UTF-8 with no control characters and no space at either end'
bad "--group $name" "--group '' --none"
bad "--model $name" '--model \377 --none'
see="see the ids with: keyshm-stat --ids $pool"
bad "no key or group has that id, or it was removed; $see" '99 --requests 5/s'
bad "no key has that masked form; see them with: keyshm-stat --ids $pool" 'sk-...CCCC --requests 5/s'
bad 'a quotation mark is not closed' "--group 'org a --none"
bad 'a quotation mark is not closed' '--group "org a --none'
bad 'it has a NUL byte in it' "$first\\0 --none"
bad 'it is longer than 4095 bytes' '%05000d --none' 0
bad 'it has too many words' '%s' "$(printf '%s --none ' a a a a a a a a a a a a a a a a a)"

# Of two lines about the same, the second is wrong, however they name it.
printf 'all --requests 5/s\n%s --none\nall --model m/1 --none\nsk-...AAAA --tokens 5/s\n' "$first" >"$file"
refused_as '4: line 2 has the same subject and model'
printf 'all --requests 5/s\n--tokens 5/s\n' >"$file"
refused_as '2: line 1 has the same subject and model'

refused 1 "$ctl" limits "$pool" --file "$tmp/none"
is "$(cat "$err")" 'keyshm-ctl: cannot open the file given with --file: No such file or directory; nothing was changed'
refused 1 "$ctl" limits "$pool" --file "$tmp"
is "$(cat "$err")" "keyshm-ctl: cannot read $tmp: Is a directory; nothing was changed"
for arguments in all '--group it' '--model m/1' --none '--requests 5/s'; do
    # shellcheck disable=SC2086
    refused 1 "$ctl" limits "$pool" --file /dev/null $arguments
    err_has '^keyshm-ctl: limits: --file goes neither with a limit nor with an ID, --group or --model: they are in the file$'
done
refused 2 "$ctl" limits "$pool.none" --file /dev/null

