# SPDX-License-Identifier: MIT
# shellcheck shell=dash disable=SC2154
#
# For the tests of keyshm-ctl check, after lib.sh: a provider on a port of its own, and its rules, which are those of all pools whose
# names begin with "cli-".

[ -n "$HAS_CHECK" ] || skip "keyshm-ctl was built without libcurl"
command -v python3 >/dev/null || skip "no python3"
unset SSL_CERT_FILE http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY

mkfifo "$tmp/port"
python3 -B "$here/check_server.py" "$tmp" >"$tmp/port" &
helpers="$helpers $!"
read -r port <"$tmp/port"
url=http://127.0.0.1:$port/v1/models

mkdir "$tmp/rules"
export KEYSHM_PROVIDERS="$tmp/rules"
cat >"$tmp/rules/cli.json" <<END
{"provider": "cli", "codes": ["error.code"], "limits": {"scope": "group"}, "hints": [{"header": "retry-after"}],
 "check": {"url": "$url", "headers": ["Authorization: Bearer {key}", "x-extra: ours"]},
 "rules": [{"rule": "dead", "when": {"status": [401], "code": ["invalid_api_key"]}, "means": "dead"},
           {"rule": "unpaid", "when": {"status": [429], "code": ["insufficient_quota"]}, "means": "billing", "scope": "key"},
           {"rule": "too-fast", "when": {"status": [429], "code": ["cli_fast"]}, "means": "limit", "scope": "key"},
           {"rule": "down", "when": {"status": ["5xx"], "code": ["cli_down"]}, "means": "server"}]}
END

# mark_all STATUS ID...
mark_all() {
    local status="$1" id
    shift
    for id; do
        run 0 "$ctl" mark "$pool" "$id" "$status"
    done
}

# state ID: print the status of the key or group with that id.
state() {
    "$stat" --json "$pool" >"$tmp/state"
    python3 -c '
import json, sys
for key in json.load(open(sys.argv[1]))["pools"][0]["keys"]:
    if key["id"] == int(sys.argv[2]):
        print(key["status"])
' "$tmp/state" "$1"
}

# begun: print how many requests have come.
begun() {
    grep -c . "$tmp/begun" 2>/dev/null || true
}

# comes_to_begin COUNT PID
comes_to_begin() {
    until [ "$(begun)" = "$1" ]; do
        kill -0 "$2" 2>/dev/null || fail "it ended with $(begun) requests, not $1"
        sleep 0.01
    done
}
