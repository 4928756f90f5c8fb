# SPDX-License-Identifier: MIT
function __keyshm_names --description "The names of a pool's groups or models; of those of all pools without one" --argument-names listing column pool
    for name in (keyshm-stat --$listing --raw --noheadings --output $column -- $pool 2>/dev/null)
        printf '%b\n' $name
    end
end
