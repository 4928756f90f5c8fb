<?php
// SPDX-License-Identifier: MIT
// usage: php read.php HEADER LIBRARY FIELDS: reads the header, prints each field's place, and uses the library.

$keyshm = FFI::cdef(file_get_contents($argv[1]), $argv[2]);

/** Where the bytes of an object are not zero: the offset of the first, and how many. */
function written(FFI\CData $object): array
{
    $bytes = FFI::string(FFI::cast('char *', FFI::addr($object)), FFI::sizeof($object));
    $offset = strspn($bytes, "\0");
    return [$offset, strlen(rtrim($bytes, "\0")) - $offset];
}

/** There is no offsetof: all bytes of the field are written, and looked for. */
function place(FFI $keyshm, string $struct, string $name): array
{
    $object = $keyshm->new("struct $struct");
    $field = $object->$name;
    if ($field instanceof FFI\CData) {
        FFI::memset($field, 0xff, FFI::sizeof($field));
        return written($object);
    }
    if ($field === null) { // a pointer, which comes as null while it is one
        $object->$name = $keyshm->cast(FFI::typeof($object)->getStructFieldType($name), -1);
        return written($object);
    }
    $object->$name = is_string($field) ? "\xff" : -1; // a single char comes as a string
    return written($object);
}

foreach (file($argv[3], FILE_IGNORE_NEW_LINES) as $line) {
    [$struct, $name] = explode(' ', $line);
    [$offset, $bytes] = place($keyshm, $struct, $name);
    echo "$struct $name $offset $bytes\n";
}

function check(FFI $keyshm, int $result): void
{
    if ($result < 0) {
        fwrite(STDERR, 'read.php: ' . $keyshm->keyshm_error_name($result) . "\n");
        exit(1);
    }
}

$pool = $keyshm->new('keyshm_pool *');
$id = $keyshm->new('keyshm_id');
$pick = $keyshm->new('struct keyshm_pick');
$options = $keyshm->new('struct keyshm_options');
$mark = $keyshm->new('struct keyshm_mark');
$keyshm->keyshm_options_init(FFI::addr($options), FFI::sizeof($options));
$options->capacity = 8;
check($keyshm, $keyshm->keyshm_create_anonymous(FFI::addr($pool), 'ffi', FFI::addr($options)));
check($keyshm, $keyshm->keyshm_add($pool, 'sk-example-key', FFI::addr($id)));
check($keyshm, $keyshm->keyshm_next($pool, FFI::addr($pick)));
$keyshm->keyshm_mark_init(FFI::addr($mark), FFI::sizeof($mark));
$mark->status = $keyshm->KEYSHM_INVALID;
$mark->reason = $keyshm->KEYSHM_REASON_BILLING;
$mark->stamp = $pick->stamp;
check($keyshm, $keyshm->keyshm_mark($pool, $pick->id, FFI::addr($mark)));
$same = (int)($pick->id === $id->cdata);
echo 'used ' . FFI::string($pick->key) . " $same " . $keyshm->keyshm_available_count($pool) . "\n";
$keyshm->keyshm_close($pool);
