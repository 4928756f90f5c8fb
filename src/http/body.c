#include "body.h"
#include <errno.h>
int body_read(struct body *b, const char *bytes, size_t length, bool enc)
{
    *b = (struct body){.kind = BODY_NONE};
    if (length && !enc) {
        b->json = json_loadb(bytes, length, 0, NULL);
        b->kind = b->json ? BODY_JSON : BODY_TEXT;
        b->text = bytes;
        b->text_length = length;
    }
    return 0;
}
int body_read_event(struct body *b, const char *bytes, size_t length)
{
    return body_read(b, bytes, length, false);
}
void body_free(struct body *b)
{
    json_decref(b->json);
}
bool body_string_is_cut(const json_t *s)
{
    return json_is_string(s) && json_string_length(s) && json_string_value(s)[json_string_length(s) - 1] == 0;
}
