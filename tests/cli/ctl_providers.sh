#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The rules in force, and where each comes from.
. "$(dirname "$0")/lib.sh"

mkdir "$tmp/rules"
export KEYSHM_PROVIDERS="$tmp/rules"
run 0 "$ctl" providers
out_has '^RULE  *MEANS  *SCOPE  *WHEN  *ORIGIN$'
out_has '^general/.* built in$'
! grep -v '^RULE' "$out" | grep -qv ' built in$' || fail "not all are built in"

cat >"$tmp/rules/acme.json" <<'EOF'
{"provider": "acme", "title": "Acme",
 "rules": [
  {"rule": "gone", "when": {"status": [401, "5xx"], "code": ["a", "b", "c", "d"]}, "means": "dead", "scope": "group"},
  {"rule": "burst", "when": {"header": {"x-error": ["1", "2"]}, "time": true}, "unless": {"phrase": ["\u009b2J"]}, "means": "limit"}]}
EOF
run 0 "$ctl" providers acme
sed 's/  */ /g' "$out" >"$tmp/rows"
is "$(sed -n 2p "$tmp/rows")" "acme/gone dead group status 401|5xx, code a|b|c|... $tmp/rules/acme.json"
is "$(sed -n 3p "$tmp/rows")" "acme/burst limit header x-error 1|2, time yes; unless phrase \\xc2\\x9b2J $tmp/rules/acme.json"
grep -q '^general/' "$tmp/rows" || fail "the general rules are behind those of a provider"
! grep -v '^RULE\|^acme/\|^general/' "$tmp/rows" || fail "rules of others"
run 0 "$ctl" providers acme.prod
out_has '^acme/gone '
run 0 "$ctl" providers nobody
! grep -q acme "$out" || fail "rules of others"
run 0 "$ctl" providers
out_has '^acme/gone '

run 0 "$ctl" providers acme --json
is "$(wc -l <"$out")" 1 "lines of JSON"
is "$(json schema),$(json providers 0 provider),$(json providers 1 provider)" 1,acme,general
is "$(json providers 0 rules 0 rule),$(json providers 0 rules 0 origin)" "gone,$tmp/rules/acme.json"
is "$(json providers 0 origins title)" "$tmp/rules/acme.json"
run 0 "$ctl" providers --json
is "$(json schema)" 1

# On a terminal, what does not fit is cut.
on_terminal 100 "$ctl providers acme"
! grep -q '.\{101\}' "$out" || fail "a line is too long"

# A rule that is replaced has the origin of the file.
printf '{"provider": "acme", "rules": [{"rule": "gone", "means": "nothing"}, {"rule": "new", "when": {"status": [402]}, "means": "quota"}]}' \
    >"$tmp/rules/b.json"
run 0 "$ctl" providers acme
out_has "^acme/gone  *nothing  *$tmp/rules/b.json\$"
out_has "^acme/new .* $tmp/rules/b.json\$"
out_has "^acme/burst .* $tmp/rules/acme.json\$"

printf '{\n "provider": "acme",\n "rules": [{"rule": "x", "means": "wonder"}]\n}' >"$tmp/rules/c.json"
refused 1 "$ctl" providers
err_has "^keyshm-ctl: $tmp/rules/c.json:3: "
