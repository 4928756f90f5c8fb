#!/bin/sh
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"
with_private_shm -o size=1m

# A pool of the default size is just below 1 MiB.
refused 1 "$ctl" create large --capacity 5000
err_has '^keyshm-ctl: pool large: the shared-memory file system is too full for it; choose a smaller --capacity'
is "$(ls -A /dev/shm)" '' 'what is left behind'
refused 1 "$ctl" create huge --capacity 1048576 --key-max 4096
run 0 "$ctl" create small --capacity 10
run 0 "$stat" small
