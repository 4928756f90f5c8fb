# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Completion of keyshm-stat, keyshm-ctl and keyshm-gateway, for bash-completion. tests/docs compare its words with --help.

_keyshm_statuses='available rate_limited quota_exceeded invalid'

_keyshm_reasons='peer budget timeout server_error overloaded rate_limit quota billing
    permission authentication operator'

_keyshm_stat_options='--groups --models --events --follow --workers --leases --limits --pools --check --model --all-users --user
    --json --raw --openmetrics --output --output-all --ids --sort --status --key --group --noheadings --notruncate --exact --bytes --color
    --watch --batch --iterations --help --version'

_keyshm_columns_of_keys='POOL OWNER SLOT KEY GROUP STATUS COOLDOWN PAUSED BENCHED-BY REASON PROBE STREAK PRIORITY
    WEIGHT IN-FLIGHT CAP REQUESTS-LEFT REQUESTS-BURST TOKENS-LEFT TOKENS-BURST
    PICKS ERRORS LAST-USED ID MARKED METADATA LABEL AVAILABLE LIMITED QUOTA INVALID'
_keyshm_columns_of_groups='POOL OWNER GROUP KEYS AVAILABLE STATUS COOLDOWN BENCHED-BY REASON PROBE STREAK PAUSED
    IN-FLIGHT CAP REQUESTS-LEFT REQUESTS-BURST TOKENS-LEFT TOKENS-BURST PICKS ID MARKED LIMITED QUOTA INVALID'
_keyshm_columns_of_models='POOL OWNER MODEL NUMBER AVAILABLE'
_keyshm_columns_of_events='TIME KIND POOL OWNER KEY SCOPE GROUP MODEL ID FROM TO FOR PID NAME DEAD AGO REASON NUMBER'
_keyshm_columns_of_workers='POOL OWNER PID NAME STATE PICKS ATTACHED'
_keyshm_columns_of_leases='POOL OWNER KEY GROUP MODEL PID NAME HELD TOKENS ID'
_keyshm_columns_of_limits='POOL OWNER SCOPE KEY GROUP MODEL LIMIT AMOUNT PER BURST CHARGED ID'
_keyshm_columns_of_pools='POOL OWNER KEYS CAPACITY STATUSES AVAILABLE LIMITED QUOTA INVALID PAUSED WAITING GROUPS MODELS KEY-MAX
    COOLDOWN COOLDOWN-MAX RULES CREATED AGE CREATOR-UID CREATOR-PID CREATOR RECOVERIES HOLDER-PID HOLDER HOLDER-STATE HELD'

_keyshm_commands='create destroy add set remove priority weight next exec mark pause resume success check judge report providers group model policy limits reap
    reset metadata label export import verify repair holder break-lock help'

# The options of a command, without --help, which every command has.
_keyshm_options_of() {
    case $1 in
    create) echo '--capacity --key-max --cooldown --groups-max --models-max --in-flight-max --group-in-flight-max --provider-rules --json' ;;
    add) echo '--group --env --dry-run --json' ;;
    set) echo '--group --env --dry-run --allow-empty --json' ;;
    next) echo '--model --wait --tokens --json' ;;
    exec) echo '--model --env --on-status --scope --wait --tokens --report --provider' ;;
    mark) echo '--group --model --scope --retry-after --until --reason --status --json' ;;
    pause | resume) echo '--group --json' ;;
    group) echo '--put-in --take-out --delete --json' ;;
    success) echo '--stamp --model --json' ;;
    judge) echo '--provider --transport --json' ;;
    report) echo '--provider --transport --stamp --model --verbose --json' ;;
    check) echo '--all --url --method --header --parallel --provider --json' ;;
    metadata | label) echo '--delete --json' ;;
    export) echo '--output --with-keys' ;;
    import) echo '--dry-run --json' ;;
    break-lock) echo '--yes --json' ;;
    destroy) echo '--json --layout' ;;
    limits)
        echo '--group --model --requests --requests-burst --tokens --tokens-burst --tokens-charge --requests-long
            --requests-long-burst --tokens-long --tokens-long-burst --tokens-long-charge --in-flight --none --file --dry-run --json'
        ;;
    remove | priority | weight | model | policy | providers | reap | reset | verify | repair | holder) echo '--json' ;;
    esac
}

# The names of this user's pools, which come after the layout.
_keyshm_pools() {
    local segment
    for segment in "/dev/shm/keyshm.$EUID."*.*; do
        [[ ! -e $segment ]] || echo "${segment#"/dev/shm/keyshm.$EUID."*.}"
    done
}

# The names of the providers that have rules.
_keyshm_providers() {
    keyshm-ctl providers 2>/dev/null | sed -n 's,/.*,,p' | sort -u
}

_keyshm_words() {
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}

# Complete the last element of a comma-separated list with one of these words.
_keyshm_list() {
    local before=''
    [[ $cur != *,* ]] || before=${cur%,*},
    cur=${cur##*,}
    compopt -o nospace
    _keyshm_words "$1"
    COMPREPLY=("${COMPREPLY[@]/#/$before}")
}

_keyshm_columns() {
    case " ${words[*]} " in
    *' --groups '*) echo "$_keyshm_columns_of_groups" ;;
    *' --models '*) echo "$_keyshm_columns_of_models" ;;
    *' --events '* | *' --follow '*) echo "$_keyshm_columns_of_events" ;;
    *' --workers '*) echo "$_keyshm_columns_of_workers" ;;
    *' --leases '*) echo "$_keyshm_columns_of_leases" ;;
    *' --limits '*) echo "$_keyshm_columns_of_limits" ;;
    *' --pools '*) echo "$_keyshm_columns_of_pools" ;;
    *) echo "$_keyshm_columns_of_keys" ;;
    esac
}

# Column names match in any case. The first may have a + or - before it.
_keyshm_column_list() {
    local sign=''
    [[ $cur != [+-]* ]] || sign=${cur:0:1}
    cur=${cur#[+-]}
    cur=${cur^^}
    if [[ $1 == one ]]; then
        _keyshm_words "$(_keyshm_columns)"
    else
        _keyshm_list "$(_keyshm_columns)"
    fi
    COMPREPLY=("${COMPREPLY[@]/#/$sign}")
}

# Complete the name of one of the groups or models of the pool; without one, of all pools.
_keyshm_names() {
    local name
    COMPREPLY=()
    while read -r name; do
        printf -v name %b "$name"
        [[ $name != "$cur"* ]] || COMPREPLY+=("$(printf %q "$name")")
    done < <(keyshm-stat "--$1s" --raw --noheadings --output "$1" -- ${pool:+"$pool"} 2>/dev/null)
    __ltrim_colon_completions "$cur"
}

_keyshm_stat() {
    local cur prev words cword split pool=''
    _init_completion -s -n : || return
    case $prev in
    -o | --output) _keyshm_column_list several ;;
    -s | --sort) _keyshm_column_list one ;;
    --status) _keyshm_list "$_keyshm_statuses" ;;
    --group | --model) _keyshm_names "${prev#--}" ;;
    --key | -n | --iterations) ;;
    --color) _keyshm_words 'auto always never' ;;
    --user) mapfile -t COMPREPLY < <(compgen -u -- "$cur") ;;
    *)
        $split && return
        case $cur in
        -*) _keyshm_words "$_keyshm_stat_options" ;;
        *) _keyshm_words "$(_keyshm_pools)" ;;
        esac
        ;;
    esac
}

# Parse the words before the cursor: the command, the pool, the number of operands, and where COMMAND's own words begin.
_keyshm_look_back() {
    local i
    command='' pool='' operands=0 child=0
    for ((i = 1; i < cword; i++)); do
        case ${words[i]} in
        --)
            child=$((i + 1))
            return
            ;;
        --env) [[ $command != exec ]] || ((i++)) ;;
        --capacity | --key-max | --cooldown | --groups-max | --models-max | --in-flight-max | --group-in-flight-max | \
            --provider-rules | --group | --model | --scope | --put-in | --take-out | --on-status | --wait | --retry-after | --until | \
            --reason | --status | --stamp | --layout | --output | --user | --requests | --requests-burst | --tokens | \
            --tokens-burst | --tokens-charge | --requests-long | --requests-long-burst | --tokens-long | \
            --tokens-long-burst | --tokens-long-charge | --in-flight | --file | --url | --method | --header | --parallel | \
            --provider | --transport | --report) ((i++)) ;;
        -*) ;;
        *)
            if [[ -z $command ]]; then
                command=${words[i]}
            else
                [[ -n $pool ]] || pool=${words[i]}
                ((operands++))
            fi
            ;;
        esac
    done
}

_keyshm_ids() {
    _keyshm_words "$(keyshm-stat --raw --noheadings --output ID -- "$pool" 2>/dev/null)"
}

_keyshm_operand() {
    case $command:$operands in
    judge:*) ;;
    providers:*) ((operands > 0)) || _keyshm_words "$(_keyshm_providers)" ;;
    *:0) _keyshm_words "$(_keyshm_pools)" ;;
    mark:1)
        if [[ " ${words[*]} " == *' --group '* ]]; then # in the place of an id
            _keyshm_words "$_keyshm_statuses"
        else
            _keyshm_ids
        fi
        ;;
    limits:1)
        _keyshm_words "all $(keyshm-stat --raw --noheadings --output ID -- "$pool" 2>/dev/null)"
        ;;
    remove:1 | priority:1 | weight:1 | pause:1 | resume:1 | success:1 | report:1 | metadata:1 | label:1) _keyshm_ids ;;
    priority:2) _keyshm_words '0 1 2 3' ;;
    mark:2) _keyshm_words "$_keyshm_statuses" ;;
    group:1 | model:1) _keyshm_names "$command" ;;
    import:1) _filedir ;;
    esac
}

_keyshm_ctl() {
    local cur prev words cword split command pool operands child
    _init_completion -s -n : || return
    _keyshm_look_back
    if ((child > 0)); then
        _command_offset "$child"
        return
    fi
    case $prev in
    --output | --file | --report)
        _filedir
        return
        ;;
    --provider | --provider-rules)
        _keyshm_words "$(_keyshm_providers)"
        return
        ;;
    --transport)
        _keyshm_words 'timeout dns connect tls reset refused_stream'
        return
        ;;
    --tokens-charge | --tokens-long-charge)
        _keyshm_words 'pick release'
        return
        ;;
    --requests | --requests-burst | --tokens | --tokens-burst | --requests-long | --requests-long-burst | --tokens-long | \
        --tokens-long-burst | --in-flight) return ;;
    --capacity | --key-max | --cooldown | --groups-max | --models-max | --in-flight-max | --group-in-flight-max | \
        --on-status | --retry-after | --until | --stamp | --layout | --url | --header | --parallel) return ;;
    --method)
        _keyshm_words 'GET HEAD POST'
        return
        ;;
    --wait)
        _keyshm_words forever
        return
        ;;
    --group | --model)
        _keyshm_names "${prev#--}"
        return
        ;;
    --put-in | --take-out)
        _keyshm_ids
        return
        ;;
    --scope)
        _keyshm_words 'key group'
        return
        ;;
    --user)
        mapfile -t COMPREPLY < <(compgen -u -- "$cur")
        return
        ;;
    --reason)
        _keyshm_words "$_keyshm_reasons"
        return
        ;;
    --status)
        _keyshm_words "${_keyshm_statuses#available }"
        return
        ;;
    --env)
        if [[ $command == exec ]]; then
            mapfile -t COMPREPLY < <(compgen -e -- "$cur")
            return
        fi
        ;;
    esac
    $split && return
    case $command:$cur in
    :-*) _keyshm_words '--user --help --version' ;;
    :*) _keyshm_words "$_keyshm_commands" ;;
    help:*) ((operands > 0)) || _keyshm_words "$_keyshm_commands" ;;
    *:-*) _keyshm_words "$(_keyshm_options_of "$command") --user --help" ;;
    *) _keyshm_operand ;;
    esac
}

_keyshm_gateway_options='--port --listen --allow --tries --header --user --print --help'

_keyshm_gateway() {
    local cur prev words cword split i operands=0
    _init_completion -s -n : || return
    for ((i = 1; i < cword; i++)); do
        case ${words[i]} in
        --port | --listen | --allow | --tries | --header | --user) ((i++)) ;;
        -*) ;;
        *) ((operands++)) ;;
        esac
    done
    case $prev in
    --port | --listen | --allow | --tries | --header) ;;
    --user) mapfile -t COMPREPLY < <(compgen -u -- "$cur") ;;
    *)
        case $cur in
        -*) _keyshm_words "$_keyshm_gateway_options" ;;
        *) ((operands > 0)) || _keyshm_words 'openai anthropic gemini' ;;
        esac
        ;;
    esac
}

complete -F _keyshm_stat keyshm-stat
complete -F _keyshm_ctl keyshm-ctl
complete -F _keyshm_gateway keyshm-gateway
