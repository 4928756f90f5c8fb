# SPDX-License-Identifier: MIT
function __keyshm_pools --description "The names of this user's pools"
    set --local prefix /dev/shm/keyshm.(id -u).
    for segment in $prefix*.*
        # The layout is before the name, and has no dot in it.
        string replace -- $prefix '' $segment | string replace --regex -- '^[^.]*\.' ''
    end
end
