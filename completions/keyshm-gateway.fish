# SPDX-License-Identifier: MIT
#
# Completion of keyshm-gateway for fish. tests/docs compare its words with --help.

function __keyshm_gateway_has_no_provider
    set --local skip no
    for word in (commandline --tokenize --cut-at-cursor --current-process)[2..]
        if test $skip = yes
            set skip no
            continue
        end
        switch $word
            case --port --listen --allow --tries --header --user
                set skip yes
            case '-*'
            case '*'
                return 1
        end
    end
end

complete -c keyshm-gateway -f
complete -c keyshm-gateway -n __keyshm_gateway_has_no_provider -a 'openai anthropic gemini' -d Provider

complete -c keyshm-gateway -l port -x -d 'Listen on this port'
complete -c keyshm-gateway -l listen -x -d 'Listen on this address'
complete -c keyshm-gateway -l allow -x -d 'Let only these in'
complete -c keyshm-gateway -l tries -x -d 'Use up to N keys for one request'
complete -c keyshm-gateway -l header -x -d 'Send the key as this header'
complete -c keyshm-gateway -l user -x -a '(__fish_complete_users)' -d 'Whose workers and pool they are'
complete -c keyshm-gateway -l print -d "Print nginx's configuration"
complete -c keyshm-gateway -l help -d 'Show the help'
