-- SPDX-License-Identifier: MIT
-- usage: luajit read.lua HEADER LIBRARY FIELDS: reads the header, prints each field's place, and uses the library.
local ffi = require("ffi")

local function text_of(path)
    local file = assert(io.open(path))
    local text = file:read("*a")
    file:close()
    return text
end

ffi.cdef(text_of(arg[1]))
local keyshm = ffi.load(arg[2])

-- There is no call for the size of a field. A number comes as one, so its size is found by writing it.
local function bytes_of(struct, name)
    local object = ffi.new("struct " .. struct)
    local field = object[name]
    if type(field) == "cdata" then
        return ffi.sizeof(field)
    end
    object[name] = 0x7fffffff
    local bytes, count = ffi.cast("unsigned char *", object), 0
    for i = 0, ffi.sizeof(object) - 1 do
        count = count + (bytes[i] ~= 0 and 1 or 0)
    end
    return count
end

for line in io.lines(arg[3]) do
    local struct, name = line:match("(%S+) (%S+)")
    print(table.concat({struct, name, ffi.offsetof("struct " .. struct, name), bytes_of(struct, name)}, " "))
end

local function check(result)
    if result < 0 then
        error(ffi.string(keyshm.keyshm_error_name(result)))
    end
end

local pool, id, pick = ffi.new("keyshm_pool *[1]"), ffi.new("keyshm_id[1]"), ffi.new("struct keyshm_pick")
local options, mark = ffi.new("struct keyshm_options"), ffi.new("struct keyshm_mark")
keyshm.keyshm_options_init(options, ffi.sizeof(options))
options.capacity = 8
check(keyshm.keyshm_create_anonymous(pool, "ffi", options))
check(keyshm.keyshm_add(pool[0], "sk-example-key", id))
check(keyshm.keyshm_next(pool[0], pick))
keyshm.keyshm_mark_init(mark, ffi.sizeof(mark))
mark.status, mark.reason, mark.stamp = ffi.C.KEYSHM_INVALID, ffi.C.KEYSHM_REASON_BILLING, pick.stamp
check(keyshm.keyshm_mark(pool[0], pick.id, mark))
print(table.concat({"used", ffi.string(pick.key), pick.id == id[0] and 1 or 0, keyshm.keyshm_available_count(pool[0])}, " "))
keyshm.keyshm_close(pool[0])
