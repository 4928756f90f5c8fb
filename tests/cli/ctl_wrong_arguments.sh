#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Every wrong command line of golden/wrong_arguments.txt is refused with exactly the message given there, exit status 1, and a
# pointer to the help; it changes nothing. In a line "$ mark POOL ..." POOL is a pool, ID the id of its key, KEY the key itself.
. "$(dirname "$0")/lib.sh"

golden=$here/golden/wrong_arguments.txt
run 0 "$ctl" create "$pool"
add "$pool" AAAA
id=$(id_of "$pool" 0)

# Each option of another command, and each of its own without a value, for all commands: from --help, so that none is missing.
run 0 "$ctl" --help
sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p' "$out" >"$tmp/commands"
more=' \{13\}' # before what does not fit on the first line of a usage
grep -v "^\(  [a-z]\|$more\)" "$out" >"$tmp/help"
grep "^\(  [a-z]\|$more\)" "$out" >"$tmp/usages"
grep -o -e '--[a-z-]* [A-Z]' "$tmp/usages" | cut -d ' ' -f 1 | sort -u >"$tmp/with_values"
grep -o -e ' --[a-z-]*: ' "$tmp/help" | tr -d ' :' | sort -u >"$tmp/options"
[ "$(wc -l <"$tmp/commands")" -ge 16 ] && [ "$(wc -l <"$tmp/options")" -ge 13 ] || fail "the help is not understood"
while read -r command; do
    run 0 "$ctl" "$command" --help
    usage=$(sed -n "1p; s/^$more/ /p" "$out" | tr -d '\n')
    operands=$(printf '%s' "$usage" | grep -o ' POOL\( ID\)\?\( STATUS\| PRIORITY\| WEIGHT\)\?' |
        sed "s/POOL/$pool/; s/ID/$id/; s/STATUS/available/; s/PRIORITY\|WEIGHT/1/")
    while read -r option; do
        # shellcheck disable=SC2086
        case "$usage " in
        *"$option "[A-Z]*)
            refused 1 "$ctl" "$command" $operands "$option"
            is "$(head -n 1 "$err")" "keyshm-ctl: $option needs a value"
            continue
            ;;
        *"$option"[\ \]]*) continue ;;
        esac
        value=
        grep -qxF -e "$option" "$tmp/with_values" && ! grep -qF -e "[$option]" "$tmp/usages" && value==1
        # shellcheck disable=SC2086
        refused 1 "$ctl" "$command" $operands "$option$value"
        is "$(head -n 1 "$err")" "keyshm-ctl: $command: $option is not for this command"
    done <"$tmp/options"
done <"$tmp/commands"

grep '^\$' "$golden" >"$tmp/lines"
while read -r _ line; do
    printf '$ %s\n' "$line" >>"$tmp/printed"
    given=$(printf '%s' "$line" | sed "s/POOL/$pool/; s/\bID\b/$id/; s/KEY/$(key AAAA)/g")
    (eval "refused 1 \"\$ctl\" $given") || fail "$line"
    [ "$(tail -n 1 "$err")" = 'See: keyshm-ctl --help' ] || fail "no pointer to the help: $line"
    sed '$d' "$err" | sed "s/$pool/POOL/g" >>"$tmp/printed"
done <"$tmp/lines"
diff -u "$golden" "$tmp/printed" >&2 || fail "not as in golden/wrong_arguments.txt"

holds 1
is "$(of_pool "$pool" keys 0 picks)" 0
is "$(of_pool "$pool" keys 0 status)" available
is "$(of_pool "$pool" keys 0 metadata)" ''
