#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

run 0 "$ctl" create "$pool"
add "$pool" AAAA BBBB CCCC DDDD
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 1)" rate_limited --retry-after 900
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 2)" quota_exceeded
run 0 "$ctl" mark "$pool" "$(id_of "$pool" 3)" invalid
unset NO_COLOR
export TERM=xterm
escape=$(printf '\033')

colored() {
    out_has "$escape\\[32mavailable *$escape\\[0m"
    out_has "$escape\\[33mrate_limited *$escape\\[0m"
    out_has "$escape\\[35mquota_exceeded *$escape\\[0m"
    out_has "$escape\\[31minvalid *$escape\\[0m"
}

plain() {
    ! grep -q "$escape" "$out" || fail "unexpected colour"
    out_has available
}

run 0 "$stat" "$pool"
plain
run 0 "$stat" "$pool" --color
plain
run 0 "$stat" "$pool" --color=never
plain
run 0 "$stat" "$pool" --color=always
colored
run 0 env NO_COLOR=1 "$stat" "$pool" --color=always
colored

on_terminal 100 "'$stat' '$pool'"
colored
on_terminal 100 "'$stat' '$pool' --color=auto"
colored
on_terminal 100 "NO_COLOR= '$stat' '$pool'"
colored
on_terminal 100 "NO_COLOR=1 '$stat' '$pool'"
plain
on_terminal 100 "TERM=dumb '$stat' '$pool'"
plain
on_terminal 100 "'$stat' '$pool' --color=never"
plain

# Output for programs is never coloured.
for format in --json --raw --openmetrics; do
    run 0 "$stat" "$pool" --color=always "$format"
    plain
done
on_terminal 100 "'$stat' '$pool' --raw"
plain

run 0 "$stat" "$pool" --events --color=always
out_has "$escape\\[35mquota_exceeded *$escape\\[0m"
