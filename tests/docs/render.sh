#!/bin/sh
# SPDX-License-Identifier: MIT
#
# render.sh DIRECTORY: scdoc accepts the source of every page, and man and mandoc find no fault in the result.

set -u
command -v scdoc >/dev/null || { echo "SKIPPED: scdoc is not installed" && exit 77; }

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
problems=0

# A warning of mandoc that every page made by scdoc has.
scdoc_is_so='skipping paragraph macro'

for source in "$1"/*.scd; do
    name=$(basename "$source" .scd)
    page=$tmp/$name
    scdoc <"$source" >"$page" 2>>"$tmp/said" || echo "$name: scdoc refuses it" >>"$tmp/said"
    if command -v man >/dev/null; then
        LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l "$page" >"$tmp/text" 2>>"$tmp/said"
        grep -q SYNOPSIS "$tmp/text" || grep -q DESCRIPTION "$tmp/text" || echo "$name: man shows nothing" >>"$tmp/said"
        # man does not wrap examples, so they must fit the terminal in the source.
        LC_ALL=C.UTF-8 grep -E '^.{81}' "$tmp/text" | sed "s/^/$name: wider than 80 columns: /" >>"$tmp/said"
    fi
    if command -v mandoc >/dev/null; then
        mandoc -T lint -W warning "$page" | grep -v "$scdoc_is_so" >>"$tmp/said"
    fi
    problems=$((problems + $(wc -l <"$tmp/said")))
    cat "$tmp/said"
    : >"$tmp/said"
done

echo "$problems problems"
[ "$problems" -eq 0 ]
