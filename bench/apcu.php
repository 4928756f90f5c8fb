<?php
# SPDX-License-Identifier: MIT
#
# The workers of peer_apcu.c: APCu's memory is shared by the processes that one PHP process forks. Worker i obeys on file
# descriptor 3 + i: a line with a number is answered, when so many picks have been made, by a line. It ends with its input.
#
# A pick is made of APCu's atomic operations and takes no lock around them: that is the fastest that is still right.

function pick(int $keys): string
{
    for ($tries = 0; $tries < $keys; $tries++) {
        $key = apcu_inc('cursor') % $keys;
        [$deadline_ns, $text] = apcu_fetch("key:$key");
        $now_ns = hrtime(true);
        if ($deadline_ns <= $now_ns) {
            apcu_store("used:$key", $now_ns);
            apcu_inc("picks:$key");
            return $text;
        }
    }
    exit(1);
}

function serve(int $worker, int $keys): void
{
    $stream = fopen('php://fd/' . (3 + $worker), 'r+');
    while (($line = fgets($stream)) !== false) {
        for ($left = (int)$line; $left > 0; $left--) {
            pick($keys);
        }
        fwrite($stream, "\n");
    }
}

[, $workers, $keys] = array_map('intval', $argv);
if (!function_exists('apcu_enabled') || !apcu_enabled() || !function_exists('pcntl_fork')) {
    exit(1);
}
apcu_store('cursor', -1);
for ($key = 0; $key < $keys; $key++) {
    # A text of its own, as long as a real key.
    apcu_store("key:$key", [0, 'sk-' . substr(hash('sha256', (string)$key), 0, 48)]);
    apcu_store("used:$key", 0);
    apcu_store("picks:$key", 0);
}
for ($worker = 0; $worker < $workers; $worker++) {
    if (pcntl_fork() === 0) {
        serve($worker, $keys);
        exit(0);
    }
}
