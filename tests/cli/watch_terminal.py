# SPDX-License-Identifier: MIT
"""A program in a pseudo-terminal, and what a person would see there.

The screen understands what ncurses writes to TERM=xterm-256color, and nothing else: any other sequence is an error, so
that nothing can be overlooked."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
import unicodedata

PATIENCE_S = 600  # for what must happen; only how long a failure takes depends on it


class Screen:
    PLAIN = (None, None, frozenset())  # foreground, background, bold and so on

    def __init__(self, columns, lines):
        self.columns, self.lines = columns, lines
        self.cells = [self.blank_line() for _ in range(lines)]
        self.x = self.y = 0
        self.saved = (0, 0)
        self.style = self.PLAIN
        self.region = (0, lines - 1)
        self.is_alternate = self.is_cursor_hidden = False
        self.last = " "
        self.rest = b""

    def blank_line(self):
        return [(" ", self.PLAIN)] * self.columns

    def resize(self, columns, lines):
        old = self.cells
        self.columns, self.lines, self.region = columns, lines, (0, lines - 1)
        self.cells = [self.blank_line() for _ in range(lines)]
        for line, before in zip(self.cells, old):
            count = min(len(line), len(before))
            line[:count] = before[:count]
        self.x, self.y = min(self.x, columns - 1), min(self.y, lines - 1)

    def text(self):
        return ["".join(character for character, _ in line).rstrip() for line in self.cells]

    def feed(self, data):
        text = self.rest + data
        # An incomplete sequence is kept until the rest arrives.
        match = re.search(rb"\x1b(\[[0-9;?]*|\][^\a]*|[()]?)?$|[\xc0-\xff][\x80-\xbf]{0,2}$", text)
        cut = len(text)
        if match and not self.is_complete(text[match.start():]):
            cut = match.start()
        self.rest = text[cut:]
        for token in re.findall(r"\x1b\[[0-9;?>]*[@-~]|\x1b\][^\a]*\a|\x1b[()].|\x1b.|[^\x1b]", text[:cut].decode(), re.DOTALL):
            self.take(token)

    @staticmethod
    def is_complete(tail):
        try:
            return tail[:1] != b"\x1b" and bool(tail.decode())
        except UnicodeDecodeError:
            return False

    def take(self, token):
        if token.startswith("\x1b["):
            self.control(token[2:-1], token[-1])
        elif token[0] == "\x1b":
            self.escape(token)
        elif token == "\r":
            self.x = 0
        elif token == "\n":
            self.line_feed()
        elif token == "\b":
            self.x = max(0, min(self.x, self.columns - 1) - 1)
        elif token == "\t":
            self.x = min(self.columns - 1, self.x // 8 * 8 + 8)
        elif token >= " ":
            self.put(token)
        elif token not in "\a\x0e\x0f":
            raise ValueError(f"unknown control character {token!r}")

    def put(self, character):
        width = 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if self.x + width > self.columns:
            self.x = 0
            self.line_feed()
        self.cells[self.y][self.x] = (character, self.style)
        if width == 2:
            self.cells[self.y][self.x + 1] = ("", self.style)
        self.x += width
        self.last = character

    def line_feed(self):
        if self.y == self.region[1]:
            self.scroll(1)
        else:
            self.y = min(self.lines - 1, self.y + 1)

    def scroll(self, count, top=None):
        top, bottom = self.region[0] if top is None else top, self.region[1]
        part = self.cells[top:bottom + 1]
        blank = [self.blank_line() for _ in range(min(abs(count), len(part)))]
        part = (part + blank)[len(blank):] if count > 0 else (blank + part)[:len(part)]
        self.cells[top:bottom + 1] = part

    def escape(self, token):
        if token == "\x1b7":
            self.saved = (self.x, self.y)
        elif token == "\x1b8":
            self.x, self.y = self.saved
        elif token == "\x1bM":
            if self.y == self.region[0]:
                self.scroll(-1)
            else:
                self.y -= 1
        elif token not in ("\x1b]104\a", "\x1b=", "\x1b>", "\x1b(B", "\x1b)B", "\x1b(0", "\x1b)0"):
            raise ValueError(f"unknown sequence {token!r}")

    def erase(self, y, begin, end):
        for x in range(begin, end):
            self.cells[y][x] = (" ", (None, self.style[1], frozenset()))

    def control(self, parameters, final):
        if parameters[:1] in "?>" and parameters:
            self.mode(parameters, final)
            return
        numbers = [int(number) if number else None for number in parameters.split(";")]
        first = numbers[0] or 1
        line = self.cells[self.y]
        if final in "Hf":
            self.y = min(first, self.lines) - 1
            self.x = min((numbers[1] if len(numbers) > 1 and numbers[1] else 1), self.columns) - 1
        elif final == "A":
            self.y = max(0, self.y - first)
        elif final == "B":
            self.y = min(self.lines - 1, self.y + first)
        elif final == "C":
            self.x = min(self.columns - 1, self.x + first)
        elif final == "D":
            self.x = max(0, self.x - first)
        elif final == "G":
            self.x = min(first, self.columns) - 1
        elif final == "d":
            self.y = min(first, self.lines) - 1
        elif final == "J":
            self.erase_display(numbers[0] or 0)
        elif final == "K":
            begin, end = [(self.x, self.columns), (0, self.x + 1), (0, self.columns)][numbers[0] or 0]
            self.erase(self.y, min(begin, self.columns), min(end, self.columns))
        elif final == "X":
            self.erase(self.y, self.x, min(self.columns, self.x + first))
        elif final == "P":
            line[self.x:] = line[self.x + first:] + [(" ", self.PLAIN)] * min(first, self.columns - self.x)
        elif final == "@":
            line[self.x:] = ([(" ", self.PLAIN)] * first + line[self.x:])[:self.columns - self.x]
        elif final == "L":
            self.scroll(-first, self.y)
        elif final == "M":
            self.scroll(first, self.y)
        elif final == "S":
            self.scroll(first)
        elif final == "T":
            self.scroll(-first)
        elif final == "b":
            for _ in range(first):
                self.put(self.last)
        elif final == "r":
            self.region = (first - 1, (numbers[1] if len(numbers) > 1 and numbers[1] else self.lines) - 1)
            self.x = self.y = 0
        elif final == "m":
            self.set_style(numbers)
        elif not (final == "t" or final == "l" and parameters == "4"):
            raise ValueError(f"unknown sequence ESC [ {parameters} {final}")

    def erase_display(self, which):
        if which == 0:
            self.erase(self.y, min(self.x, self.columns), self.columns)
        for y in range(self.y + 1 if which == 0 else 0, self.y if which == 1 else self.lines):
            self.erase(y, 0, self.columns)
        if which == 1:
            self.erase(self.y, 0, self.x + 1)

    def mode(self, parameters, final):
        for number in parameters[1:].split(";"):
            if number == "1049":
                self.is_alternate = final == "h"
            elif number == "25":
                self.is_cursor_hidden = final == "l"
            elif number not in ("1", "7", "12", "1006", "2004", "4", "5"):
                raise ValueError(f"unknown mode {parameters} {final}")

    def set_style(self, numbers):
        names = {1: "bold", 2: "faint", 4: "underline", 7: "reverse"}
        undone = {22: ("bold", "faint"), 24: ("underline",), 27: ("reverse",)}
        foreground, background, others = self.style
        rest = [number or 0 for number in numbers]
        while rest:
            number = rest.pop(0)
            if number == 0:
                foreground, background, others = self.PLAIN
            elif number in names:
                others = others | {names[number]}
            elif number in undone:
                others = others - set(undone[number])
            elif 30 <= number <= 37:
                foreground = number - 30
            elif 90 <= number <= 97:
                foreground = number - 82
            elif 40 <= number <= 47:
                background = number - 40
            elif number == 39:
                foreground = None
            elif number == 49:
                background = None
            elif number in (38, 48) and rest[:1] == [5]:
                color = rest[1]
                rest = rest[2:]
                foreground, background = (color, background) if number == 38 else (foreground, color)
            else:
                raise ValueError(f"unknown style {numbers}")
        self.style = (foreground, background, others)


class Terminal:
    """A program that runs in a terminal of its own."""

    def __init__(self, command, columns=100, lines=24, **environment):
        self.screen = Screen(columns, lines)
        self.output = b""
        self.status = None
        self.master, self.slave = pty.openpty()
        self.set_size(columns, lines)
        self.settings = termios.tcgetattr(self.slave)
        self.pid = os.fork()
        if self.pid == 0:
            self.become(command, environment)
        os.set_blocking(self.master, False)

    def become(self, command, environment):
        try:
            os.setsid()
            fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
            for fd in range(3):
                os.dup2(self.slave, fd)
            os.closerange(3, 64)
            variables = {"LC_ALL": "C.UTF-8", "TERM": "xterm-256color", "TZ": "UTC"}
            kept = {name: value for name, value in os.environ.items()
                    if name not in ("NO_COLOR", "COLUMNS", "LINES", "KEYSHM_LOG")}
            os.execvpe(command[0], command, {**kept, **variables, **environment})
        finally:
            os._exit(127)

    def set_size(self, columns, lines):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def resize(self, columns, lines):
        self.pump(0)
        self.screen.resize(columns, lines)
        self.set_size(columns, lines)  # which sends SIGWINCH

    def pump(self, timeout_s):
        """Read what was written. False if nothing arrived in that time."""
        if not select.select([self.master], [], [], timeout_s)[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.output += data
        self.screen.feed(data)
        return True

    def send(self, text):
        os.write(self.master, text.encode())

    def text(self):
        return "\n".join(self.screen.text())

    def wait_for(self, what, wanted=True):
        """Until the screen has (or, if not wanted, no longer has) this pattern, or this function of its text is true."""
        test = what if callable(what) else lambda text: bool(re.search(what, text, re.MULTILINE)) == wanted
        end = time.monotonic() + PATIENCE_S
        while not test(self.text()):
            if time.monotonic() > end or self.has_ended():
                self.pump(0)
                if test(self.text()):
                    break
                self.fail(f"{'no' if wanted else 'still'} {what}")
            self.pump(0.05)
        return self.text()

    def row(self, pattern):
        """The line of the screen that matches."""
        for line in self.screen.text():
            if re.search(pattern, line):
                return line
        return self.fail(f"no row with {pattern}")

    def has_ended(self):
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid != 0:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is not None

    def finish(self):
        """Wait until it ends. Returns the exit status; negative: the signal that killed it."""
        end = time.monotonic() + PATIENCE_S
        while not self.has_ended():
            if time.monotonic() > end:
                self.fail("it does not end")
            self.pump(0.02)
        while self.pump(0):
            pass
        settings = termios.tcgetattr(self.slave)
        os.close(self.master)
        os.close(self.slave)
        check(b"TOPSECRET" not in self.output, "a key was on the screen")
        check(settings == self.settings, "the terminal's settings are not as they were")
        check(not self.screen.is_alternate and not self.screen.is_cursor_hidden, "the terminal's screen is not as it was")
        return self.status

    def quit(self):
        self.send("q")
        check(self.finish() == 0, f"exit status {self.status} after q")

    def fail(self, message):
        if not self.has_ended():
            os.kill(self.pid, signal.SIGKILL)
        print("\n".join("| " + line for line in self.screen.text()), file=sys.stderr)
        raise AssertionError(f"{message} (exit status {self.status})")


def check(is_fine, message):
    if not is_fine:
        raise AssertionError(message)
