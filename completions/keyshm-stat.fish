# SPDX-License-Identifier: MIT
#
# Completion of keyshm-stat for fish. tests/docs compare its words with --help.

function __keyshm_stat_columns
    if __fish_contains_opt groups
        printf '%s\n' POOL OWNER GROUP KEYS AVAILABLE STATUS COOLDOWN BENCHED-BY REASON PROBE STREAK PAUSED \
            IN-FLIGHT CAP REQUESTS-LEFT REQUESTS-BURST TOKENS-LEFT TOKENS-BURST PICKS ID MARKED LIMITED QUOTA INVALID
    else if __fish_contains_opt models
        printf '%s\n' POOL OWNER MODEL NUMBER AVAILABLE
    else if __fish_contains_opt events follow
        printf '%s\n' TIME KIND POOL OWNER KEY SCOPE GROUP MODEL ID FROM TO FOR PID NAME DEAD AGO REASON NUMBER
    else if __fish_contains_opt workers
        printf '%s\n' POOL OWNER PID NAME STATE PICKS ATTACHED
    else if __fish_contains_opt leases
        printf '%s\n' POOL OWNER KEY GROUP MODEL PID NAME HELD TOKENS ID
    else if __fish_contains_opt limits
        printf '%s\n' POOL OWNER SCOPE KEY GROUP MODEL LIMIT AMOUNT PER BURST CHARGED ID
    else if __fish_contains_opt pools
        printf '%s\n' POOL OWNER KEYS CAPACITY STATUSES AVAILABLE LIMITED QUOTA INVALID PAUSED WAITING GROUPS MODELS KEY-MAX \
            COOLDOWN COOLDOWN-MAX RULES CREATED AGE CREATOR-UID CREATOR-PID CREATOR RECOVERIES HOLDER-PID HOLDER HOLDER-STATE HELD
    else
        printf '%s\n' POOL OWNER SLOT KEY GROUP STATUS COOLDOWN PAUSED BENCHED-BY REASON PROBE STREAK PRIORITY WEIGHT \
            IN-FLIGHT CAP REQUESTS-LEFT REQUESTS-BURST TOKENS-LEFT TOKENS-BURST PICKS ERRORS \
            LAST-USED ID MARKED METADATA LABEL AVAILABLE LIMITED QUOTA INVALID
    end
end

set --local statuses available rate_limited quota_exceeded invalid

complete -c keyshm-stat -f -a '(__keyshm_pools)' -d Pool

complete -c keyshm-stat -l groups -d 'Show the groups of keys'
complete -c keyshm-stat -l models -d 'Show the models'
complete -c keyshm-stat -l events -d 'Show what happened to the keys'
complete -c keyshm-stat -l follow -d 'Show what happened, then follow new events'
complete -c keyshm-stat -l workers -d 'Show the processes that are attached'
complete -c keyshm-stat -l leases -d 'Show requests in flight that have a place'
complete -c keyshm-stat -l limits -d 'Show the limits in force'
complete -c keyshm-stat -l pools -d 'Show a line for each pool'
complete -c keyshm-stat -l check -d 'Report violated invariants'
complete -c keyshm-stat -l model -x -a '(__keyshm_names models MODEL)' -d 'As a pick for this model finds them'
complete -c keyshm-stat -l all-users -d 'Show the pools of all users'
complete -c keyshm-stat -l user -x -a '(__fish_complete_users)' -d 'The pools of that user'

complete -c keyshm-stat -s j -l json -d 'Write JSON'
complete -c keyshm-stat -l raw -d 'Write one line per row, one word per cell'
complete -c keyshm-stat -l openmetrics -d 'Write OpenMetrics text'

complete -c keyshm-stat -s o -l output -x -a '(__fish_complete_list , __keyshm_stat_columns) +(__keyshm_stat_columns)' -d 'Show these columns'
complete -c keyshm-stat -l output-all -d 'Show all columns'
complete -c keyshm-stat -s i -l ids -d 'Also show the id of each key'
complete -c keyshm-stat -s s -l sort -x -a '(__keyshm_stat_columns) -(__keyshm_stat_columns)' -d 'Sort by this column'

complete -c keyshm-stat -l status -x -a "(__fish_complete_list , 'printf %s\\\\n $statuses')" -d 'Only keys of this status'
complete -c keyshm-stat -l key -x -d 'Only keys whose masked form matches this pattern'
complete -c keyshm-stat -l group -x -a '(__keyshm_names groups GROUP)' -d 'Only keys of a group whose name matches this pattern'

complete -c keyshm-stat -l noheadings -d 'Omit the headings'
complete -c keyshm-stat -l notruncate -d 'Do not truncate'
complete -c keyshm-stat -l exact -d 'Print plain numbers'
complete -c keyshm-stat -l bytes -d 'The same as --exact'
complete -c keyshm-stat -l color -f -a 'auto always never' -d 'Colour the statuses'

complete -c keyshm-stat -s w -l watch -d 'Show it live'
complete -c keyshm-stat -s b -l batch -d 'Show it live as plain text'
complete -c keyshm-stat -s n -l iterations -x -d 'Stop after N times'

complete -c keyshm-stat -s h -l help -d 'Show the help'
complete -c keyshm-stat -s V -l version -d 'Show the version'
