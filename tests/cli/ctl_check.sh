#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/check_lib.sh"

run 0 "$ctl" create "$pool"

# Nothing to ask about.
run 0 "$ctl" check "$pool"
[ ! -s "$out" ] || fail "output"
err_has 'no key is to be asked about'

# What the rules that are compiled in name as a request is one.
mkdir "$tmp/none"
for rules in "$here"/../../providers/*.json; do
    provider=$(basename "$rules" .json)
    wanted=1
    ! grep -q '^ *"check"' "$rules" || wanted=0
    run $wanted env KEYSHM_PROVIDERS="$tmp/none" "$ctl" check "$pool" --provider "$provider"
    [ $wanted -eq 0 ] || err_has "the rules of $provider name no request by which a key can be checked"
done

# A pool can have the rules of another name.
run 0 "$ctl" create "$pool.other" --provider-rules cli.7
run 0 "$ctl" check "$pool.other" --json
is "$(json rules)" cli.7
run 0 "$ctl" destroy "$pool.other"

# Those that are quota_exceeded or invalid are asked about, and no others.
add "$pool" GOOD DEAD QUOT RATE DOWN FINE LIMI PAUS NOTU
good=$(id_of "$pool" 0) dead=$(id_of "$pool" 1) quota=$(id_of "$pool" 2) rate=$(id_of "$pool" 3)
down=$(id_of "$pool" 4) limited=$(id_of "$pool" 6) paused=$(id_of "$pool" 7) other=$(id_of "$pool" 8)
mark_all invalid "$good" "$dead" "$down" "$paused" "$other"
mark_all quota_exceeded "$quota" "$rate"
mark_all rate_limited "$limited"
run 0 "$ctl" pause "$pool" "$paused"
run 0 "$ctl" check "$pool"
out_is "$good sk-…GOOD invalid -> available 200 -
$dead sk-…DEAD invalid -> invalid 401 cli/dead
$quota sk-…QUOT quota_exceeded -> quota_exceeded 429 cli/unpaid
$rate sk-…RATE quota_exceeded -> quota_exceeded 429 cli/too-fast
$down sk-…DOWN invalid -> invalid 503 cli/down
$other sk-…NOTU invalid -> invalid 400 general/request"
err_has ': 6 asked about: 1 good, 3 bad, 2 unclear; 1 available again$'
is "$(sort "$tmp/begun")" "GET /v1/models DEAD ours
GET /v1/models DOWN ours
GET /v1/models GOOD ours
GET /v1/models NOTU ours
GET /v1/models QUOT ours
GET /v1/models RATE ours" "what was asked"
is "$(of_pool "$pool" keys 1 marked invalid)" 2 "what is still dead is marked so"
is "$(of_pool "$pool" keys 4 marked invalid)" 1 "of the provider's fault nothing is marked"

# With --all, also those that are available, limited or paused. What is limited comes back by itself, and a pause stays. Each
# header replaces the one of that name. Without a body there is no error code to decide by.
rm "$tmp/begun"
run 0 "$ctl" check "$pool" --all --json --header 'X-Extra: mine' --method HEAD
is "$(json asked)" 9
is "$(json became_available)" 1
is "$(json keys 6 answer)" good
is "$(json keys 6 now)" rate_limited
is "$(json keys 7 now)" available
is "$(json keys 1 rule)" general/dead-401
is "$(grep -c '^HEAD /v1/models .... mine$' "$tmp/begun")" 9
is "$(of_pool "$pool" keys 7 is_paused)" true

# What somebody has said by hand stays, as a pause does.
run 0 "$ctl" mark "$pool" "$good" invalid --reason operator
rm "$tmp/begun"
run 0 "$ctl" check "$pool" --json
! grep -q GOOD "$tmp/begun" || fail "a key that was disabled by hand is asked about"
run 0 "$ctl" check "$pool" --json --all
is "$(json keys 0 answer)" good
is "$(json keys 0 now)" invalid
run 0 "$ctl" mark "$pool" "$good" available

# The command line alone, with the key in the URL. No key is in a message, nor a URL.
mark_all invalid "$good"
run 0 "$ctl" check "$pool" --provider nobody --url "http://127.0.0.1:$port/ask?key={key}" --json
is "$(json keys 0 now)" available
is "$(json rules)" nobody
is "$(tail -n 1 "$tmp/begun" | cut -d ' ' -f 2)" /ask
is "$(json keys 0 rule)" null

# A redirect is not followed: the key is for this provider alone.
add "$pool" GOES CUTS MUCH
goes=$(id_of "$pool" 9) cut=$(id_of "$pool" 10) much=$(id_of "$pool" 11)
for id in $(seq 0 8); do
    run 0 "$ctl" remove "$pool" "$(id_of "$pool" 0)"
done
mark_all invalid "$goes" "$cut" "$much"
rm "$tmp/begun"
run 0 env KEYSHM_LOG=debug "$ctl" check "$pool"
out_is "$goes sk-…GOES invalid -> invalid 302 redirect
$cut sk-…CUTS invalid -> invalid 200 transport
$much sk-…MUCH invalid -> invalid 401 cli/dead"
! grep -q elsewhere "$tmp/begun" || fail "a redirect was followed"
until [ -e "$tmp/left" ]; do sleep 0.01; done # what is longer than anybody reads was ended

# Who is not who the URL says is sent nothing.
if command -v openssl >/dev/null; then
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$tmp/key.pem" -out "$tmp/cert.pem" -days 2 -subj /CN=127.0.0.1 \
        -addext subjectAltName=IP:127.0.0.1 2>/dev/null
    cat "$tmp/key.pem" >>"$tmp/cert.pem"
    rm "$tmp/begun"
    python3 -B "$here/check_server.py" "$tmp" "$tmp/cert.pem" >"$tmp/port" 2>/dev/null &
    helpers="$helpers $!"
    read -r tls_port <"$tmp/port"
    run 1 "$ctl" check "$pool" --parallel 1 --url "https://127.0.0.1:$tls_port/"
    out_is "$goes sk-…GOES invalid -> invalid tls transport"
    [ ! -e "$tmp/begun" ] || fail "a key was sent to a server without a valid certificate"
    run 0 env SSL_CERT_FILE="$tmp/cert.pem" "$ctl" check "$pool" --parallel 1 --url "https://127.0.0.1:$tls_port/"
    is "$(begun)" 3
fi

# Who cannot be reached is not asked any more, and what is known of the keys stays.
sed -i "s/:$port/:1/" "$tmp/rules/cli.json"
run 1 "$ctl" check "$pool" --parallel 1
out_is "$goes sk-…GOES invalid -> invalid connect transport"
err_has ': 1 of them got no answer (.*)$'
err_has ': 2 more were not asked about, since the provider cannot be reached$'
run 1 "$ctl" check "$pool" --parallel 1 --json
is "$(json keys 0 answer)" none
is "$(json keys 0 transport)" connect
is "$(json keys 1 answer)" not_asked

# What makes no request.
sed -i 's/"check": .*$/"title": "x",/' "$tmp/rules/cli.json"
refused 1 "$ctl" check "$pool"
err_has 'name no request by which a key can be checked; give --url and --header$'
refused 1 "$ctl" check "$pool" --url "$url"
err_has '{key} is neither in a header nor in the URL'
refused 1 "$ctl" check "$pool" --url "http://127.0.0.1:port/{key}"
err_has 'the URL must be'
! grep -q 127.0.0.1 "$err" || fail "the URL is shown"
for bad in 'ftp://a/{key}' "http://{key}.example/" "http://a b/{key}" 'http:///{key}' ''; do
    refused 1 "$ctl" check "$pool" --url "$bad"
    err_has '^keyshm-ctl: check: --url must be'
done
for bad in 'Authorization {key}' ': {key}' 'a b: {key}' "a: {key}$(printf '\nb: c')"; do
    refused 1 "$ctl" check "$pool" --header "$bad"
    err_has '^keyshm-ctl: check: --header must be'
done
for bad in 0 65 x ''; do
    refused 1 "$ctl" check "$pool" --parallel "$bad"
done
refused 1 "$ctl" check "$pool" --method get
refused 2 "$ctl" check "$pool.none"

# A bad file of rules is told, and nobody is asked.
echo '{' >"$tmp/rules/bad.json"
refused 1 "$ctl" check "$pool" --url "$url" --header 'x-key: {key}'
err_has 'bad.json'
