#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Input that differs from what export writes is refused as a whole, with a message that does not repeat it.
. "$(dirname "$0")/lib.sh"

run 0 "$ctl" create "$pool.from" --cooldown 5
add "$pool.from" AAAA BBBB CCCC
run 0 "$ctl" mark "$pool.from" "$(id_of "$pool.from" 0)" invalid
run 0 "$ctl" mark "$pool.from" "$(id_of "$pool.from" 1)" rate_limited --retry-after 100000
run 0 "$ctl" label "$pool.from" "$(id_of "$pool.from" 1)" second
run 0 "$ctl" group "$pool.from" org-a --put-in "$(id_of "$pool.from" 1)"
run 0 "$ctl" group "$pool.from" org-b
run 0 "$ctl" mark "$pool.from" rate_limited --group org-b --retry-after 100000
run 0 "$ctl" mark "$pool.from" "$(id_of "$pool.from" 1)" rate_limited --model m/1 --retry-after 200000
run 0 "$ctl" model "$pool.from" m/2
run 0 "$ctl" limits "$pool.from" --requests 60/min --in-flight 4
run 0 "$ctl" limits "$pool.from" --model m/1 --tokens 90k/min
run 0 "$ctl" limits "$pool.from" --group org-b --in-flight 8
run 0 "$ctl" limits "$pool.from" "$(id_of "$pool.from" 1)" --in-flight 5
run 0 "$ctl" export "$pool.from" --output "$tmp/keys" --with-keys
run 0 "$ctl" export "$pool.from" --output "$tmp/state"

run 0 "$ctl" create "$pool" --capacity 4 --key-max 64
add "$pool" AAAA
"$stat" --json "$pool" | grep -o '"keys".*' >"$tmp/before"
"$ctl" policy "$pool" >"$tmp/policy"
"$ctl" limits "$pool" --requests 7/s
"$ctl" limits "$pool" >"$tmp/limits"

# refused_as MESSAGE [OPTION]: check that $tmp/bad is refused with MESSAGE.
refused_as() {
    chmod 600 "$tmp/bad"
    refused 1 "$ctl" import "$pool" "$tmp/bad" "--${2:-json}"
    is "$(cat "$err")" "keyshm-ctl: pool $pool: $1; nothing was changed"
    unchanged
}

unchanged() {
    "$stat" --json "$pool" | grep -o '"keys".*' | cmp -s - "$tmp/before" || fail "the pool has changed"
    "$ctl" policy "$pool" | cmp -s - "$tmp/policy" || fail "the policy has changed"
    "$ctl" limits "$pool" | cmp -s - "$tmp/limits" || fail "the limits have changed"
}

# broken LINE: check that $tmp/bad is refused as invalid JSON at LINE.
broken() {
    chmod 600 "$tmp/bad"
    refused 1 "$ctl" import "$pool" "$tmp/bad"
    err_has "^keyshm-ctl: pool $pool: the file is not JSON, or not all of it, from line $1, column [0-9]*; $give; nothing was"
    unchanged
}

# bad FILE EDIT MESSAGE: check that FILE, edited by sed(1), is refused with MESSAGE.
bad() {
    sed "$2" "$tmp/$1" >"$tmp/bad"
    ! cmp -s "$tmp/bad" "$tmp/$1" || fail "the test has no effect: $2"
    refused_as "$3"
}

# member EDIT RULE: the same for both files, with the rule of a member as the message.
member() {
    bad keys "$1" "in the file, $2"
    bad state "$1" "in the file, $2"
}

# ---- not JSON ----
give='give what keyshm-ctl export wrote'
printf 'sk-%s\n' "$secret" >"$tmp/bad"
broken 1
printf '"sk-%s' "$secret" >"$tmp/bad"
broken 1
printf '\0' >"$tmp/bad"
broken 1
head -c 50000 /dev/zero | tr '\0' '[' >"$tmp/bad"
broken 1
size=$(wc -c <"$tmp/keys")
for part in 1 10 100 $((size / 2)) $((size - 3)); do
    head -c "$part" "$tmp/keys" >"$tmp/bad"
    broken '[0-9]*'
done
cat "$tmp/keys" "$tmp/keys" >"$tmp/bad"
broken '[5-6]'
sed '2s/"status"/"slot"/' "$tmp/keys" >"$tmp/bad"
chmod 600 "$tmp/bad"
refused 1 "$ctl" import "$pool" "$tmp/bad"
err_has "^keyshm-ctl: pool $pool: the file has a member twice, in line 2, column [0-9]*; nothing was changed$"
for value in '\\u0000' '\xff'; do
    LC_ALL=C sed "2s/$secret/$value/" "$tmp/keys" >"$tmp/bad"
    broken 2
done
sed '4s/^/,/' "$tmp/keys" >"$tmp/bad"
broken 4
: >"$tmp/bad"
refused 1 "$ctl" import "$pool" "$tmp/bad"
is "$(cat "$err")" "keyshm-ctl: pool $pool: the file is empty; $give"
refused 1 "$ctl" import "$pool" </dev/null
is "$(cat "$err")" "keyshm-ctl: pool $pool: standard input is empty; $give"

# ---- endless input ----
large='is larger than the 25288704 bytes that are read for a pool of this capacity; nothing was changed; make a pool'
truncate -s 3G "$tmp/bad"
refused 1 "$ctl" import "$pool" "$tmp/bad"
err_has "the file $large"
mkfifo "$tmp/endless"
yes '' 2>/dev/null >"$tmp/endless" &
refused 1 timeout 600 "$ctl" import "$pool" <"$tmp/endless"
err_has "standard input $large"

# ---- other JSON ----
object='this is not what export writes: it must be a JSON object'
for text in '[]' '[{}]' "[\"$secret\"]"; do
    printf '%s' "$text" >"$tmp/bad"
    refused_as "$object"
done
kind='kind must be "keyshm-export", as export writes it'
printf '{}' >"$tmp/bad"
refused_as "in the file, $kind"
refused_as "in the file, $kind" dry-run
"$stat" --json "$pool.from" >"$tmp/bad"
refused_as "in the file, $kind"

# ---- the document ----
member '1s/"keyshm-export"/"keyshm-import"/' "$kind"
member '1s/"keyshm-export"/7/' "$kind"
schema='schema must be 1; export it with the keyshm-ctl that is to import it'
for value in 0 2 -1 1.0 '"1"' true null 99999999999; do
    member "1s/\"schema\":1/\"schema\":$value/" "$schema"
done
member '1s/"schema":1,//' "$schema"
for value in '""' 5 null "\"$(printf '%065d' 0)\""; do
    member "1s/\"provider\":\"[^\"]*\"/\"provider\":$value/" "provider must be a pool's name of 1 to 64 bytes"
done
for value in -1 253402300800001 9223372036854775807 1e3 '"5"' null; do
    member "1s/\"exported_unix_ms\":[0-9]*/\"exported_unix_ms\":$value/" \
        'exported_unix_ms must be milliseconds since 1970, up to the year 9999'
done
for value in 0 1048577 '"5"'; do
    member "1s/\"capacity\":[0-9]*/\"capacity\":$value/" 'capacity must be a number from 1 to 1048576'
done
for value in 0 4097 null; do
    member "1s/\"key_max\":[0-9]*/\"key_max\":$value/" 'key_max must be a number from 1 to 4096'
done
days='milliseconds from 0 to 31622400000, which is 366 days'
for value in -1 31622400001 '"5"'; do
    member "1s/\"default_cooldown_ms\":[0-9]*/\"default_cooldown_ms\":$value/" "default_cooldown_ms must be $days"
done
for value in 5 null '""' '".openai"' '"open ai"' '"openai\\n"' "\"$(printf '%065d' 0)\""; do
    member "1s/\"provider_rules\":\"[^\"]*\"/\"provider_rules\":$value/" \
        'provider_rules must be a name of 1 to 64 of A-Z a-z 0-9 . _ -, the first not a dot'
done
for value in 5 '[]' null '"5"'; do
    member "1s/\"policy\":{[^}]*}/\"policy\":$value/" 'policy must be an object'
done
for value in -1 31622400001 1.5 '"5"' 'null,"later":5'; do
    member "1s/\"cooldown_ms\":[0-9]*/\"cooldown_ms\":$value/" "policy.cooldown_ms must be $days"
done
for value in 0 -1 31622400001 '"5"' null; do
    member "1s/\"cooldown_max_ms\":[0-9]*/\"cooldown_max_ms\":$value/" \
        'policy.cooldown_max_ms must be milliseconds from 1 to 31622400000, which is 366 days'
done
member '1s/"with_keys":[a-z]*/"with_keys":1/' 'with_keys must be true or false'
salt=0123456789abcdef
# shellcheck disable=SC2016
for value in '"' '$5$'"$salt" '$6$rounds=5000$'"$salt" '$5$rounds=999$'"$salt" '$5$rounds=5001$'"$salt" \
    '$5$rounds=999999999$'"$salt" '$5$rounds=05000$'"$salt" '$5$rounds=5000$'"${salt}0" '$5$rounds=5000$'"${salt%?}"; do
    member "1s/\"fingerprint_setting\":\"[^\"]*\"/\"fingerprint_setting\":\"${value%\"}\"/" \
        'fingerprint_setting must be as export writes it: $5$rounds=N$SALT'
done
printf '%s{}}' "$(head -n 1 "$tmp/keys" | sed 's/\[$//')" >"$tmp/bad"
refused_as 'in the file, keys must be an array of up to 1048576 keys'

# ---- models and groups ----
named='1 to 128 bytes of UTF-8 with no control characters and no space at either end'
for value in 5 '{}' null '[5]' '[""]' '[" m"]' '["m "]' '["\\u007f"]' "[\"$(printf '%0129d' 0)\"]"; do
    member "1s/\"models\":\[[^]]*\]/\"models\":$value/" "models must be an array of up to 1024 names of $named"
done
member '1s/"models":\[[^]]*\]/"models":["m\/1","m\/1"]/' 'models[1] is there twice'
for value in 5 '{}' null; do
    member "1s/\"groups\":\[.*\],\"keys\"/\"groups\":$value,\"keys\"/" 'groups must be an array of up to 1024 groups'
done
member '1s/"groups":\[/"groups":[5,/' 'groups[0] must be an object'
for value in 5 '""' null "\"$(printf '%0129d' 0)\"" '"\\t"'; do
    member "1s/\"name\":\"org-b\"/\"name\":$value/" "groups[1].name must be a name of $named"
done
member '1s/"org-b"/"org-a"/' 'groups[1].name is that of another group, too'
member '1s/"status":"rate_limited"/"status":"limited"/' 'groups[1].status must be available, rate_limited, quota_exceeded or invalid'
member '1s/"status":"rate_limited"/"status":"available"/' 'groups[1].cooldown_left_ms does not go with its status'
member '1s/"is_paused":false/"is_paused":0/2' 'groups[1].is_paused must be true or false'
member '1s/"marked":{[^}]*}/"marked":{}/2' 'groups[1].marked must be an object with a number for each status'

# ---- limits ----
limits='must be an array of objects, each for another model: model, requests, tokens, requests_long, tokens_long and in_flight, as export writes them'
for value in 5 '{}' null '[5]' '[{}]' '[{"model":null}]' '[{"model":5,"in_flight":0}]' '[{"model":"","in_flight":0}]' \
    '[{"in_flight":0}]' '[{"model":null,"in_flight":0},{"model":null,"in_flight":0}]' \
    '[{"model":"m\/1","in_flight":0},{"model":"m\/1","in_flight":0}]'; do
    member "1s/\"limits\":\[[^]]*\]/\"limits\":$value/" "limits $limits"
    member "1s/\"limits\":\[[^]]*\]/\"limits\":$value/3" "groups[1].limits $limits"
    member "3s/\"limits\":\[[^]]*\]/\"limits\":$value/" "keys[1].limits $limits"
done
for edit in 's/"amount":60,/"amount":0,/' 's/"amount":60,/"amount":-1,/' 's/"amount":60,/"amount":1.5,/' 's/"amount":60,//' \
    's/"per_ms":60000,/"per_ms":0,/' 's/"per_ms":60000,/"per_ms":31622400001,/' 's/"per_ms":60000,/"per_ms":"5",/' \
    's/"burst":10,/"burst":-1,/' 's/"burst":10,//' 's/"charge":"pick"/"charge":"release"/' 's/"charge":"release"/"charge":"at"/' \
    's/"charge":"pick"/"charge":0/' 's/,"charge":"pick"//' 's/"requests":{[^}]*}/"requests":5/' 's/"in_flight":4/"in_flight":-1/' \
    's/"in_flight":4/"in_flight":1025/' 's/"in_flight":4/"in_flight":"4"/'; do
    member "1$edit" "limits $limits"
done
member '1s/\("limits":.*\)"model":"m\/1"/\1"model":"m\/3"/' 'limits has a model that is not one of the models'
member '3s/"limits":\[/&{"model":"m\/3","in_flight":0},/' 'keys[1].limits has a model that is not one of the models'
made='the pool was made for a cap of up to'
more='more need one made with: keyshm-ctl create'
member '1s/"in_flight":4/"in_flight":17/' "limits[0].in_flight: $made 16 requests in flight of a key; $more --in-flight-max N"
member '1s/"in_flight":8/"in_flight":65/' \
    "groups[1].limits[0].in_flight: $made 64 requests in flight of a group; $more --group-in-flight-max N"
member '3s/"in_flight":5/"in_flight":17/' \
    "keys[1].limits[0].in_flight: $made 16 requests in flight of a key; $more --in-flight-max N"
member '1s/\("model":"m\/1".*"tokens_long":null,"in_flight":\)0\(.*"with_keys"\)/\15\2/' \
    'limits[1].in_flight: a cap of requests in flight is for whatever the model, not for one'

# ---- a key ----
# in_key MEMBER VALUE RULE: the same for a member of the second key.
in_key() {
    member "3s/\"$1\":\(\"[^\"]*\"\|{[^}]*}\|null\|true\|false\|-\?[0-9]*\)/\"$1\":$2/" "keys[1].$1 must be $3"
}
bad keys '3s/{.*}/5/' 'in the file, keys[1] must be an object'
for value in -1 16777216 '"1"'; do
    in_key slot "$value" 'a number from 0 to 16777215'
done
for value in '""' 5 "\"$(printf '%024d' 0)\""; do
    in_key masked_key "$value" 'a masked key of 1 to 23 bytes'
done
statuses='available, rate_limited, quota_exceeded or invalid'
for value in 1 '""' '"RATE_LIMITED"' '"limited"' null "\"$secret\""; do
    in_key status "$value" "$statuses"
done
for value in 1 '""' '"RATE_LIMIT"' null "\"$secret\""; do
    in_key reason "$value" 'the name of a reason, such as rate_limit, or none'
done
for value in 1 '"true"' null; do
    in_key is_paused "$value" 'true or false'
done
for value in -2 31622400001 99999999999999999 1.5 '"5"' null; do
    in_key cooldown_left_ms "$value" "-1, or $days"
done
for value in 5 '{}' '[]'; do
    member "3s/\"group\":\"org-a\"/\"group\":$value/" 'keys[1].group must be null, or the name of one of the groups'
done
member '3s/"org-a"/"org-c"/' 'keys[1].group is not one of the groups'
for value in -1 4 4294967296 9223372036854775807 1.0 '"1"' true null; do
    in_key priority "$value" 'a number from 0 to 3'
done
for value in 0 16 -1 4294967297 1.5 '"1"' '[]' null; do
    in_key weight "$value" 'a number from 1 to 15'
done
bench='"status":"rate_limited","cooldown_left_ms":5,"reason":"none"'
for value in 5 '[]' '{"m/1":5}' '{"m/1":{}}' "{\"\":{$bench}}" "{\"m/1\":{$(printf '%s' "$bench" | sed 's/_limited//')}}" \
    "{\"m/1\":{$(printf '%s' "$bench" | sed 's/:5/:-2/')}}" "{\"m/1\":{$(printf '%s' "$bench" | sed 's/:5/:0/')}}" \
    "{\"m/1\":{$(printf '%s' "$bench" | sed 's/"none"/1/')}}" '{"m/1":{"status":"available","cooldown_left_ms":0,"reason":"none"}}'; do
    member "3s|\"models\":{[^}]*}}|\"models\":$value|" "keys[1].models must be an object: names of models, each with the status, \
cooldown_left_ms and reason of a bench, or a streak, as export writes them"
done
member '3s|"m/1"|"m/3"|' 'keys[1].models has a model that is not one of the models'
for value in '{}' 5 '[]' '{"available":0,"rate_limited":0,"quota_exceeded":0}' \
    '{"available":0,"rate_limited":0,"quota_exceeded":0,"invalid":-1}'; do
    in_key marked "$value" 'an object with a number for each status'
done
notes='an object: names of 1 to 32 of A-Z a-z 0-9 . _ -, values of 0 to 120 bytes of UTF-8 with no control characters'
for value in 5 '[]' '{"a":5}' '{"":"a"}' '{"a b":"c"}' "{\"$(printf '%033d' 0)\":\"\"}" "{\"a\":\"$(printf '%0121d' 0)\"}" \
    '{"a":"\\n"}' '{"a":"\\u007f"}' "{\"a\":\"$(printf '%0120d' 0)\",\"b\":\"$(printf '%036d' 0)\"}"; do
    in_key metadata "$value" "$notes, at most 160 bytes in all"
done
for value in 5 '""' "\"$secret\"" "\"$(printf '%042d' 0)\"" "\"$(printf '%042d' 0)\$\""; do
    in_key fingerprint "$value" 'null, or 43 of A-Z a-z 0-9 . /'
done
for value in 5 '""' "\"$(printf '%04097d' 0)\"" '{}'; do
    bad keys "3s/\"key\":\"[^\"]*\"/\"key\":$value/" 'in the file, keys[1].key must be a string of 1 to 4096 bytes'
done
for name in slot masked_key status cooldown_left_ms marked metadata fingerprint; do
    sed "3s/\"$name\":/\"other\":/" "$tmp/keys" >"$tmp/bad"
    chmod 600 "$tmp/bad"
    refused 1 "$ctl" import "$pool" "$tmp/bad"
    [ "$name" = fingerprint ] || err_has "in the file, keys\[1\].$name must be "
done

# ---- contradictions ----
fits='.cooldown_left_ms does not go with its status'
member '2s/"invalid","cooldown_left_ms":-1/"invalid","cooldown_left_ms":0/' "keys[0]$fits"
member '2s/"invalid","cooldown_left_ms":-1/"available","cooldown_left_ms":-1/' "keys[0]$fits"
member '3s/"cooldown_left_ms":[0-9]*/"cooldown_left_ms":0/' "keys[1]$fits"
bad keys '3s/,"key":"[^"]*"//' 'in the file, keys[1].key is missing, though with_keys is true'
bad keys '1s/"with_keys":true/"with_keys":false/' 'in the file, keys[0].key is there, though with_keys is false'
bad state '1s/"with_keys":false/"with_keys":true/' 'in the file, keys[0].key is missing, though with_keys is true'
bad state '3{p;}' 'in the file, two keys have the same fingerprint'
bad keys '3{p;}' 'in the file, keys[2].key: it is in the file twice'

# ---- invalid keys ----
while IFS='|' read -r value reason; do
    bad keys "3s/\"key\":\"[^\"]*\"/\"key\":\"$value\"/" "in the file, keys[1].key: $reason"
done <<'END'
TOPSECRET\\t|it has a control character, such as a tab, in it
\\u007fTOPSECRET|it has a control character, such as a tab, in it
 TOPSECRET|it has a space at its beginning or end
TOPSECRET |it has a space at its beginning or end
\\ufeffTOPSECRET|it begins with a byte order mark; save the file without one
0TOPSECRET0000000000000000000000000000000000000000000000000000000|longer than the 64 bytes that this pool allows a key
END

# Unknown members are ignored.
sed '1s/"kind"/"later":[{}],"kind"/; 3s/"slot"/"later":null,"slot"/' "$tmp/keys" >"$tmp/good"
chmod 600 "$tmp/good"
run 0 "$ctl" import "$pool" "$tmp/good"
out_is '2 added, 1 found, 0 not found; 3 marked, 0 paused; groups: 2 added, 0 keys moved; models: 2 added; 3 limited; the policy changed'
run 0 "$ctl" verify "$pool"
