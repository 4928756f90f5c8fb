#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

fresh() {
    rm -rf "$segment"
    run 0 "$ctl" create "$pool" --capacity 10
    add "$pool" AAAA
}

# overwrite OFFSET FORMAT: overwrite bytes of the segment.
overwrite() {
    # shellcheck disable=SC2059
    printf "$2" | dd of="$segment" bs=1 seek="$1" conv=notrunc status=none
}

# all_refuse STATUS MESSAGE: check that every command that attaches fails with them.
all_refuse() {
    feed '%s\n' "$(key BBBB)"
    for command in 'add POOL' 'next POOL' 'reset POOL' 'verify POOL' 'remove POOL 16777216' 'mark POOL 16777216 invalid'; do
        # shellcheck disable=SC2046
        refused "$1" "$ctl" $(printf '%s' "$command" | sed "s/POOL/$pool/") <"$in"
        err_has "^keyshm-ctl: pool $pool: $2; "
    done
    refused "$1" "$stat" "$pool"
    err_has "^keyshm-stat: pool $pool: $2; "
    run "$1" "$stat" --json "$pool"
    out_is '{"schema":1,"pools":[]}'
}

damaged='not a keyshm segment, or damaged'
other='the pool was made by a keyshm with another layout'
permission="the pool is not this user's own, or is open to others"

# Not a keyshm segment, or truncated.
head -c 100000 /dev/urandom >"$segment"
chmod 600 "$segment"
all_refuse 3 "$damaged"
err_has "if no worker needs it, remove it with: keyshm-ctl destroy $pool$"
: >"$segment"
all_refuse 3 "$damaged"
printf KEYSHM >"$segment"
all_refuse 3 "$damaged"
fresh
truncate -s 5000 "$segment"
all_refuse 3 "$damaged"
fresh
truncate -s +1 "$segment"
all_refuse 3 "$damaged"
fresh
overwrite 0 'X'
all_refuse 3 "$damaged"
fresh
overwrite 100 '\377\377\377\377' # among the settings
all_refuse 3 "$damaged"
fresh
mv "$segment" "$segment.old"
"$ctl" create "$pool" --capacity 9
cp "$segment.old" "$segment" # of the same name: this one is fine
run 0 "$stat" "$pool"
cp "$segment" "$segment.renamed"
chmod 600 "$segment.renamed"
run 3 "$stat" "$pool.renamed"

# Of another version, or of a build with another layout.
fresh
overwrite 8 '\377\377\377\177'
all_refuse 3 "$other"
err_has "use the programs of the build that its workers use, or remove it with: keyshm-ctl destroy $pool$"
fresh
overwrite 16 '\001\002\003\004\005\006\007\010'
all_refuse 3 "$other"

# Accessible to others, with a second link, or not a regular file.
for mode in 640 604 660 620 601 644; do
    fresh
    chmod "$mode" "$segment"
    all_refuse 2 "$permission"
done
err_has 'see who owns it with: ls -l /dev/shm'
fresh
ln "$segment" "$segment.link"
all_refuse 2 "$permission"
rm "$segment" "$segment.link"
mkfifo -m 600 "$segment"
all_refuse 3 "$damaged"
rm "$segment"

# Another user has taken the name.
if [ "$(id -u)" -eq 0 ]; then
    fresh
    chown 65534 "$segment"
    all_refuse 2 "$permission"
fi

# A name that no call would have taken: a terminal gets nothing to obey.
forge() {
    overwrite "$(grep -abo "$1" "$segment" | head -n 1 | cut -d : -f 1)" "$2"
}

fresh
run 0 "$ctl" group "$pool" acme-x
run 0 "$ctl" model "$pool" gpt-zz
forge acme-x 'ac\033[1m'
forge gpt-zz 'g\302\2332mz'
run 0 "$ctl" group "$pool"
out_has 'ac?\[1m$'
run 0 "$ctl" model "$pool"
out_has '^1 g\\xc2?2mz$'
