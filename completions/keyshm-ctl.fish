# SPDX-License-Identifier: MIT
#
# Completion of keyshm-ctl for fish. tests/docs compare its words with --help.

# The words before the cursor that are not options: command, pool, and so on.
function __keyshm_ctl_operands
    set --local skip no
    set --local command ''
    for word in (commandline --tokenize --cut-at-cursor --current-process)[2..]
        if test $skip = yes
            set skip no
            continue
        end
        switch $word
            case -- # the words of COMMAND follow
                return
            case --capacity --key-max --cooldown --groups-max --models-max --in-flight-max --group-in-flight-max --provider-rules --group --model --scope \
                    --put-in --take-out --on-status --wait --retry-after --until --reason --status --stamp --layout --output --user \
                    --requests --requests-burst --tokens --tokens-burst --tokens-charge --requests-long --requests-long-burst \
                    --tokens-long --tokens-long-burst --tokens-long-charge --in-flight --file \
                    --url --method --header --parallel --provider --transport --report
                set skip yes
            case --env
                test "$command" = exec; and set skip yes
            case '-*'
            case '*'
                test -n "$command"; or set command $word
                echo $word
        end
    end
end

function __keyshm_ctl_has_no_command
    test (count (__keyshm_ctl_operands)) -eq 0
end

# Whether the cursor is at this operand of one of these commands; operand 1 is the pool.
function __keyshm_ctl_at --argument-names number
    set --local operands (__keyshm_ctl_operands)
    test (count $operands) -eq $number; and contains -- $operands[1] $argv[2..]
end

function __keyshm_ctl_command
    set --local operands (__keyshm_ctl_operands)
    contains -- "$operands[1]" $argv
end

# The names of the providers that have rules.
function __keyshm_ctl_providers
    keyshm-ctl providers 2>/dev/null | string replace --regex --filter '/.*' '' | sort -u
end

# The words after -- are a command line of their own.
function __keyshm_ctl_child
    set --local tokens (commandline --tokenize --cut-at-cursor --current-process)
    set --local before (contains --index -- -- $tokens); or return
    set --local child (string escape -- $tokens[(math $before + 1)..])
    complete --do-complete (string join ' ' -- $child (commandline --cut-at-cursor --current-token))
end

set --local commands create destroy add set remove priority weight next exec mark pause resume success check judge report providers group model policy limits reap reset metadata label \
    export import verify repair holder break-lock
set --local of_pools create destroy add set remove priority weight next exec mark pause resume success check report group model policy limits reap reset metadata label \
    export import verify repair holder break-lock
set --local reporting create destroy add set remove priority weight next mark pause resume success check judge report providers group model policy limits reap reset metadata label import \
    verify repair holder break-lock

complete -c keyshm-ctl -f
complete -c keyshm-ctl -s h -l help -d 'Show the help'
complete -c keyshm-ctl -l user -x -a '(__fish_complete_users)' -d 'Of the pools of that user'
complete -c keyshm-ctl -n __keyshm_ctl_has_no_command -s V -l version -d 'Show the version'

complete -c keyshm-ctl -n __keyshm_ctl_has_no_command -a create -d 'Create an empty pool'
complete -c keyshm-ctl -n __keyshm_ctl_has_no_command -a destroy -d 'Remove a pool'
complete -c keyshm-ctl -n __keyshm_ctl_has_no_command -a add -d 'Add keys from standard input or the environment'
complete -c keyshm-ctl -n __keyshm_ctl_has_no_command -a set -d 'Replace the keys'
complete -c keyshm-ctl -n __keyshm_ctl_has_no_command -a remove -d 'Remove a key'
complete -c keyshm-ctl -n __keyshm_ctl_has_no_command -a priority -d 'Set before which keys a key is picked'
complete -c keyshm-ctl -n __keyshm_ctl_has_no_command -a weight -d 'Set how often a key is picked'
complete -c keyshm-ctl -n __keyshm_ctl_has_no_command -a next -d 'Pick a key and print it'
complete -c keyshm-ctl -n __keyshm_ctl_has_no_command -a exec -d 'Run a command with a key in its environment'
complete -c keyshm-ctl -n __keyshm_ctl_has_no_command -a mark -d 'Mark a key by what the provider answered'
complete -c keyshm-ctl -n __keyshm_ctl_has_no_command -a pause -d 'Do not pick a key'
complete -c keyshm-ctl -n __keyshm_ctl_has_no_command -a resume -d 'Let a paused key in again'
complete -c keyshm-ctl -n __keyshm_ctl_has_no_command -a success -d 'Record that a request has succeeded'
complete -c keyshm-ctl -n __keyshm_ctl_has_no_command -a check -d 'Ask the provider about disabled keys'
complete -c keyshm-ctl -n __keyshm_ctl_has_no_command -a judge -d 'Print what an answer says of a key'
complete -c keyshm-ctl -n __keyshm_ctl_has_no_command -a report -d 'Mark a key by an answer'
complete -c keyshm-ctl -n __keyshm_ctl_has_no_command -a providers -d 'Print the rules by which answers are read'
complete -c keyshm-ctl -n __keyshm_ctl_has_no_command -a group -d 'Print, make or change the groups of keys'
complete -c keyshm-ctl -n __keyshm_ctl_has_no_command -a model -d 'Print or make the models'
complete -c keyshm-ctl -n __keyshm_ctl_has_no_command -a policy -d 'Print or set how marks are understood'
complete -c keyshm-ctl -n __keyshm_ctl_has_no_command -a limits -d 'Print or set what a provider allows'
complete -c keyshm-ctl -n __keyshm_ctl_has_no_command -a reap -d 'Give back what dead workers hold'
complete -c keyshm-ctl -n __keyshm_ctl_has_no_command -a reset -d 'Record the cooldowns that are over'
complete -c keyshm-ctl -n __keyshm_ctl_has_no_command -a metadata -d 'Print or set the notes of a key'
complete -c keyshm-ctl -n __keyshm_ctl_has_no_command -a label -d "Print or set a key's label"
complete -c keyshm-ctl -n __keyshm_ctl_has_no_command -a export -d "Print a pool's state"
complete -c keyshm-ctl -n __keyshm_ctl_has_no_command -a import -d 'Restore what export wrote'
complete -c keyshm-ctl -n __keyshm_ctl_has_no_command -a verify -d 'Check the invariants of a pool'
complete -c keyshm-ctl -n __keyshm_ctl_has_no_command -a repair -d 'Correct what verify finds'
complete -c keyshm-ctl -n __keyshm_ctl_has_no_command -a holder -d "Print the process that holds a pool's mutex"
complete -c keyshm-ctl -n __keyshm_ctl_has_no_command -a break-lock -d "Kill the process that holds a pool's mutex"
complete -c keyshm-ctl -n __keyshm_ctl_has_no_command -a help -d 'Show the help, or that of a command'

complete -c keyshm-ctl -n '__keyshm_ctl_at 1 help' -a "$commands help" -d Command
complete -c keyshm-ctl -n "__keyshm_ctl_at 1 $of_pools" -a '(__keyshm_pools)' -d Pool
complete -c keyshm-ctl -n '__keyshm_ctl_at 1 providers' -a '(__keyshm_ctl_providers)' -d Provider
complete -c keyshm-ctl -n '__keyshm_ctl_at 2 remove priority weight pause resume success report metadata label' -a '(__keyshm_keys (__keyshm_ctl_operands)[2])'
complete -c keyshm-ctl -n '__keyshm_ctl_at 2 mark; and not __fish_contains_opt group' -a '(__keyshm_keys (__keyshm_ctl_operands)[2])'
complete -c keyshm-ctl -n '__keyshm_ctl_at 2 limits; and not __fish_contains_opt group' -a '(__keyshm_keys (__keyshm_ctl_operands)[2])'
complete -c keyshm-ctl -n '__keyshm_ctl_at 2 limits; and not __fish_contains_opt group' -a all -d 'Every key without its own'
complete -c keyshm-ctl -n '__keyshm_ctl_at 3 priority' -a '0 1 2 3' -d Priority
complete -c keyshm-ctl -n '__keyshm_ctl_at 3 mark' -a 'available rate_limited quota_exceeded invalid' -d Status
complete -c keyshm-ctl -n '__keyshm_ctl_at 2 mark; and __fish_contains_opt group' -a 'available rate_limited quota_exceeded invalid' -d Status
complete -c keyshm-ctl -n '__keyshm_ctl_at 2 group' -a '(__keyshm_names groups GROUP (__keyshm_ctl_operands)[2])' -d Group
complete -c keyshm-ctl -n '__keyshm_ctl_at 2 model' -a '(__keyshm_names models MODEL (__keyshm_ctl_operands)[2])' -d Model
complete -c keyshm-ctl -n '__keyshm_ctl_at 2 import' -F

complete -c keyshm-ctl -n '__keyshm_ctl_command exec; and contains -- -- (commandline -opc)' -a '(__keyshm_ctl_child)'

complete -c keyshm-ctl -n "__keyshm_ctl_command $reporting" -l json -d 'Print one JSON object'
complete -c keyshm-ctl -n '__keyshm_ctl_command destroy' -l layout -x -d 'Of a pool that another version made'
complete -c keyshm-ctl -n '__keyshm_ctl_command create' -l capacity -x -d 'The maximum number of keys'
complete -c keyshm-ctl -n '__keyshm_ctl_command create' -l key-max -x -d 'The maximum length of a key'
complete -c keyshm-ctl -n '__keyshm_ctl_command create' -l cooldown -x -d 'The cooldown in seconds without a Retry-After'
complete -c keyshm-ctl -n '__keyshm_ctl_command create' -l groups-max -x -d 'The maximum number of groups'
complete -c keyshm-ctl -n '__keyshm_ctl_command create' -l models-max -x -d 'The maximum number of models'
complete -c keyshm-ctl -n '__keyshm_ctl_command create' -l in-flight-max -x -d 'Places for requests in flight of a key'
complete -c keyshm-ctl -n '__keyshm_ctl_command create' -l group-in-flight-max -x -d 'Places for requests in flight of a group'
complete -c keyshm-ctl -n '__keyshm_ctl_command create' -l provider-rules -x -a '(__keyshm_ctl_providers)' -d 'The name of the rules of its provider'
complete -c keyshm-ctl -n '__keyshm_ctl_command add set mark pause resume limits' -l group -x -a '(__keyshm_names groups GROUP (__keyshm_ctl_operands)[2])' -d 'The group'
complete -c keyshm-ctl -n '__keyshm_ctl_command next exec mark success report limits' -l model -x -a '(__keyshm_names models MODEL (__keyshm_ctl_operands)[2])' -d 'For this model'
complete -c keyshm-ctl -n '__keyshm_ctl_command exec mark' -l scope -x -a 'key group' -d 'What a mark is about'
complete -c keyshm-ctl -n '__keyshm_ctl_command group' -l put-in -x -a '(__keyshm_keys (__keyshm_ctl_operands)[2])' -d 'Put this key in'
complete -c keyshm-ctl -n '__keyshm_ctl_command group' -l take-out -x -a '(__keyshm_keys (__keyshm_ctl_operands)[2])' -d 'Take this key out'
complete -c keyshm-ctl -n '__keyshm_ctl_command success report' -l stamp -x -d 'Of the pick, as next --json prints it'
complete -c keyshm-ctl -n '__keyshm_ctl_command check' -l all -d 'Ask about every key'
complete -c keyshm-ctl -n '__keyshm_ctl_command check' -l url -x -d 'Of the request'
complete -c keyshm-ctl -n '__keyshm_ctl_command check' -l method -x -a 'GET HEAD POST' -d 'Of the request'
complete -c keyshm-ctl -n '__keyshm_ctl_command check' -l header -x -d 'Of the request'
complete -c keyshm-ctl -n '__keyshm_ctl_command check' -l parallel -x -d 'Requests at the same time'
complete -c keyshm-ctl -n '__keyshm_ctl_command check exec judge report' -l provider -x -a '(__keyshm_ctl_providers)' -d 'By the rules of that name'
complete -c keyshm-ctl -n '__keyshm_ctl_command judge report' -l transport -x -a 'timeout dns connect tls reset refused_stream' -d 'No answer came'
complete -c keyshm-ctl -n '__keyshm_ctl_command report' -l verbose -d 'Print what judge prints'
complete -c keyshm-ctl -n '__keyshm_ctl_command exec' -l report -r -d 'The file with the answer'
complete -c keyshm-ctl -n '__keyshm_ctl_command add set' -l env -d 'Add keys from the environment'
complete -c keyshm-ctl -n '__keyshm_ctl_command set' -l allow-empty -d 'Remove all keys if none is given'
complete -c keyshm-ctl -n '__keyshm_ctl_command exec' -l env -x -a '(set --names --export)' -d 'The variable that receives the key'
complete -c keyshm-ctl -n '__keyshm_ctl_command exec' -l on-status -x -d 'Mark the key by the exit status'
complete -c keyshm-ctl -n '__keyshm_ctl_command next exec' -l wait -x -a forever -d 'Seconds to wait for a key'
complete -c keyshm-ctl -n '__keyshm_ctl_command next exec' -l tokens -x -d 'Tokens that the request will use'
complete -c keyshm-ctl -n '__keyshm_ctl_command mark' -l retry-after -x -d 'Available again after this many seconds'
complete -c keyshm-ctl -n '__keyshm_ctl_command mark' -l until -x -d 'Available again at this time'
complete -c keyshm-ctl -n '__keyshm_ctl_command mark' -l reason -x -a 'peer budget timeout server_error overloaded rate_limit quota billing permission authentication operator' -d 'Why'
complete -c keyshm-ctl -n '__keyshm_ctl_command mark' -l status -x -a 'rate_limited quota_exceeded invalid' -d 'Of all keys, lift this status'
complete -c keyshm-ctl -n '__keyshm_ctl_command limits' -l requests -x -d 'Requests in a time'
complete -c keyshm-ctl -n '__keyshm_ctl_command limits' -l requests-burst -x -d 'Requests at once'
complete -c keyshm-ctl -n '__keyshm_ctl_command limits' -l tokens -x -d 'Tokens in a time'
complete -c keyshm-ctl -n '__keyshm_ctl_command limits' -l tokens-burst -x -d 'Tokens at once'
complete -c keyshm-ctl -n '__keyshm_ctl_command limits' -l tokens-charge -x -a 'pick release' -d 'When tokens are charged'
complete -c keyshm-ctl -n '__keyshm_ctl_command limits' -l requests-long -x -d 'Requests in a longer time'
complete -c keyshm-ctl -n '__keyshm_ctl_command limits' -l requests-long-burst -x -d 'Of these at once'
complete -c keyshm-ctl -n '__keyshm_ctl_command limits' -l tokens-long -x -d 'Tokens in a longer time'
complete -c keyshm-ctl -n '__keyshm_ctl_command limits' -l tokens-long-burst -x -d 'Of these at once'
complete -c keyshm-ctl -n '__keyshm_ctl_command limits' -l tokens-long-charge -x -a 'pick release' -d 'When these are charged'
complete -c keyshm-ctl -n '__keyshm_ctl_command limits' -l in-flight -x -d 'Requests at the same time'
complete -c keyshm-ctl -n '__keyshm_ctl_command limits' -l none -d 'No limits of its own'
complete -c keyshm-ctl -n '__keyshm_ctl_command limits' -l file -r -d 'The file with limits to set'
complete -c keyshm-ctl -n '__keyshm_ctl_command metadata label group' -l delete -d 'Delete it'
complete -c keyshm-ctl -n '__keyshm_ctl_command export' -l output -r -d 'The file to create'
complete -c keyshm-ctl -n '__keyshm_ctl_command export' -l with-keys -d 'Include the keys'
complete -c keyshm-ctl -n '__keyshm_ctl_command add set import limits' -l dry-run -d 'Change nothing'
complete -c keyshm-ctl -n '__keyshm_ctl_command break-lock' -l yes -d 'Do not ask'
