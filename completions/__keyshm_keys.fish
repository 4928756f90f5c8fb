# SPDX-License-Identifier: MIT
function __keyshm_keys --description "The ids of a pool's keys, each with its masked form and its status" --argument-names pool
    for key in (keyshm-stat --raw --noheadings --output ID,KEY,STATUS -- $pool 2>/dev/null)
        printf '%s\t%b %s\n' (string split ' ' -- $key)
    end
end
