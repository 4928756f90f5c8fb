# SPDX-License-Identifier: MIT
"""What a shell offers when Tab is pressed at the end of a line."""

import os
import pty
import re
import select
import shutil
import subprocess
import time
from pathlib import Path

TIMEOUT_S = 600

BASH_COMPLETION = "/usr/share/bash-completion/bash_completion"

BASH = r"""
source "$1"; source "$2"; shift 2
compopt() { :; } # it works in a real completion only
COMP_LINE=$1 COMP_POINT=${#1}; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_TYPE=9 COMP_KEY=9
function=$(complete -p "$1" | sed 's/.*-F \([^ ]*\).*/\1/')
"$function" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
"""

# Records everything that is added to the list of matches.
ZSH = r"""
PROMPT='' RPROMPT=''
fpath=("$DOCS_COMPLETIONS" $fpath)
autoload -U compinit
compinit -u -d "$ZDOTDIR/dump"
compadd() {
    if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
        builtin compadd "$@"
        return
    fi
    local -a docs_found
    builtin compadd -A docs_found "$@"
    (( $#docs_found == 0 )) || print -rl -- "$IPREFIX"${^docs_found} >>"$DOCS_FOUND"
    builtin compadd "$@"
}
docs-complete() {
    BUFFER=$DOCS_LINE
    CURSOR=$#BUFFER
    zle complete-word
    exit
}
zle -N docs-complete
bindkey '^T' docs-complete
print -n ready
"""


class Bash:
    def __init__(self, completions, scratch):
        self.file = Path(completions, "keyshm.bash")

    @staticmethod
    def is_here():
        return shutil.which("bash") is not None and os.path.exists(BASH_COMPLETION)

    def offers(self, line):
        words = [part for word in line.split(" ") for part in re.split(r"(?<=.)(=)(?=.|$)", word) if part or not word]
        # A word that ends with = is followed by an empty one.
        words += [""] if line.endswith("=") else []
        return subprocess.run(["bash", "--norc", "--noprofile", "-c", BASH, "bash", BASH_COMPLETION, self.file, line, *words],
                              text=True, stdout=subprocess.PIPE, timeout=TIMEOUT_S).stdout.split("\n")[:-1]


class Fish:
    def __init__(self, completions, scratch):
        """Copies the completions to where they would be installed."""
        data = Path(scratch, "data", "fish")
        for kind in ("vendor_completions.d", "vendor_functions.d"):
            (data / kind).mkdir(parents=True)
        for file in Path(completions).glob("*.fish"):
            shutil.copy(file, data / ("vendor_functions.d" if file.name.startswith("__") else "vendor_completions.d"))
        self.environment = os.environ | {"XDG_DATA_DIRS": f"{data.parent}:/usr/share", "HOME": scratch}

    @staticmethod
    def is_here():
        return shutil.which("fish") is not None

    def offers(self, line):
        output = subprocess.run(["fish", "-c", "complete --do-complete $argv[1]", line], env=self.environment, text=True,
                                stdout=subprocess.PIPE, timeout=TIMEOUT_S).stdout
        offers = [offer.split("\t")[0] for offer in output.split("\n")[:-1]]
        # fish 4 adds options in which the letters of the word occur in order.
        word = line.split(" ")[-1]
        return [offer for offer in offers if offer.startswith(word)] if word.startswith("--") and "=" not in word else offers


class Zsh:
    def __init__(self, completions, scratch):
        self.scratch = scratch
        Path(scratch, ".zshrc").write_text(ZSH, encoding="utf-8")
        self.environment = os.environ | {"ZDOTDIR": scratch, "DOCS_COMPLETIONS": completions, "TERM": "dumb",
                                         "DOCS_FOUND": f"{scratch}/found"}

    @staticmethod
    def is_here():
        return shutil.which("zsh") is not None

    def offers(self, line):
        found = Path(self.scratch, "found")
        found.write_text("", encoding="utf-8")
        pid, terminal = pty.fork()
        if pid == 0:
            os.execvpe("zsh", ["zsh", "-d", "-i"], self.environment | {"DOCS_LINE": line})
        self.press_tab(terminal)
        os.waitpid(pid, 0)
        os.close(terminal)
        return list(dict.fromkeys(found.read_text(encoding="utf-8").split("\n")[:-1]))

    @staticmethod
    def press_tab(terminal):
        """Send the key that is bound to completion once the shell is ready, then read until the shell has ended."""
        end, output, is_pressed = time.monotonic() + TIMEOUT_S, b"", False
        while time.monotonic() < end:
            if not select.select([terminal], [], [], 1)[0]:
                continue
            try:
                output += os.read(terminal, 4096)
            except OSError:
                return
            if not is_pressed and b"ready" in output:
                os.write(terminal, b"\x14")
                is_pressed = True
        raise TimeoutError(output)


SHELLS = {"bash": Bash, "fish": Fish, "zsh": Zsh}
