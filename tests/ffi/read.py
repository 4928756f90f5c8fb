# SPDX-License-Identifier: MIT
"""usage: read.py HEADER LIBRARY FIELDS: reads the header with cffi, prints each field's place, and uses the library."""

import sys

import cffi

ffi = cffi.FFI()
ffi.cdef(open(sys.argv[1], encoding="utf-8").read())
keyshm = ffi.dlopen(sys.argv[2])

for line in open(sys.argv[3], encoding="utf-8"):
    struct, name = line.split()
    field = dict(ffi.typeof(f"struct {struct}").fields)[name]
    print(struct, name, field.offset, ffi.sizeof(field.type))


def check(result):
    if result < 0:
        sys.exit(f"read.py: {ffi.string(keyshm.keyshm_error_name(result)).decode()}")


pool, key_id, pick = ffi.new("keyshm_pool **"), ffi.new("keyshm_id *"), ffi.new("struct keyshm_pick *")
options, mark = ffi.new("struct keyshm_options *"), ffi.new("struct keyshm_mark *")
keyshm.keyshm_options_init(options, ffi.sizeof("struct keyshm_options"))
options.capacity = 8
check(keyshm.keyshm_create_anonymous(pool, b"ffi", options))
check(keyshm.keyshm_add(pool[0], b"sk-example-key", key_id))
check(keyshm.keyshm_next(pool[0], pick))
keyshm.keyshm_mark_init(mark, ffi.sizeof("struct keyshm_mark"))
mark.status, mark.reason, mark.stamp = keyshm.KEYSHM_INVALID, keyshm.KEYSHM_REASON_BILLING, pick.stamp
check(keyshm.keyshm_mark(pool[0], pick.id, mark))
print("used", ffi.string(pick.key).decode(), int(pick.id == key_id[0]), keyshm.keyshm_available_count(pool[0]))
keyshm.keyshm_close(pool[0])
