#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

run 0 "$ctl" create "$pool"
feed '%s\n%s\n' "$(key AAAA)" "$secret"
run 0 "$ctl" add "$pool" <"$in"

shows() {
    run 0 env LC_ALL="$1" "$stat" "$pool"
    out_has " $2AAAA  *available "
    out_has " $3  *available "
    is "$(LC_ALL=C grep -c '\\x' "$out")" 0 "escapes that nobody can read"
    run 0 env LC_ALL="$1" "$ctl" add "$pool" <"$in"
    out_is "$(id_of "$pool" 0) $2AAAA present
$(id_of "$pool" 1) $3 present"
}

shows C.UTF-8 sk-… …
for locale in C POSIX no_such_LOCALE; do
    shows "$locale" sk-... ...
    is "$(LC_ALL=C grep -c '[^ -~]' "$out")" 0 "lines with what is not ASCII"
done
