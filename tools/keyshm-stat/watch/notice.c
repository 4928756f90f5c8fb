/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include "clock_text.h"
#include "header.h"
#include "reading.h"

#define NEWS_MS 30000 /* how long it is news that the pool is another one */

static bool is_gone(int error)
{
    return error == -ENOENT || error == -READING_DESTROYED;
}

static const char *error_words(int error)
{
    for (const struct failure *failure = reading_failures; failure->error != 0; failure++)
        if (failure->error == -error)
            return failure->what;
    return keyshm_strerror(error);
}

static bool is_replaced_lately(const struct frame *frame)
{
    const struct model *model = &frame->watched->model;
    return model->replaced_unix_ms != 0 && frame->now_ms - model->replaced_ms < NEWS_MS;
}

bool notice_is_due(const struct frame *frame)
{
    return frame->watched == NULL || frame->watched->model.error != 0 || is_replaced_lately(frame);
}

void notice_draw(const struct frame *frame, struct line *line)
{
    char time[CLOCK_TEXT_SIZE];
    if (frame->watched == NULL) {
        line_put(line, STYLE_NOTICE, "no pools; make one with: keyshm-ctl create POOL");
        return;
    }
    const struct model *model = &frame->watched->model;
    const char *provider = frame->watched->provider;
    clock_text(model->error != 0 ? model->error_unix_ms : model->replaced_unix_ms, time);
    if (is_gone(model->error))
        line_print(line, STYLE_ALERT, "pool %s was destroyed at %s; waiting for it to come back", provider, time);
    else if (model->error != 0)
        line_print(line, STYLE_ALERT, "pool %s: %s; since %s, trying again", provider, error_words(model->error), time);
    else if (is_replaced_lately(frame))
        line_print(line, STYLE_NOTICE, "pool %s was created anew at %s; counting begins again", provider, time);
}
