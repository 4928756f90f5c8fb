# SPDX-License-Identifier: MIT
function __keyshm_pools --description "The names of this user's pools"
    set --local prefix /dev/shm/keyshm.(id -u).
    for segment in $prefix*
        string replace -- $prefix '' $segment
    end
end
