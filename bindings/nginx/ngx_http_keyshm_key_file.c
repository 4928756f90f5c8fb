/* SPDX-License-Identifier: MIT */
#include "ngx_http_keyshm.h"

/* A list of keys, by the rules of `keyshm-ctl add`: one a line, blank lines and comments are skipped, and what looks like
 * a mistake is refused. No message shows a key. */

static const char *find_assignment(const u_char *text, size_t length)
{
    static const char name[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    size_t i = 0;
    if (length >= 7 && ngx_memcmp(text, "export ", 7) == 0)
        return "it is an assignment, and only the key may stand there";
    while (i < length && memchr(name, text[i], sizeof(name) - 1) != NULL)
        i++;
    if (i == 0 || i == length || text[i] != '=')
        return NULL;
    while (i < length && text[i] == '=') /* a key in base64 may end with it */
        i++;
    return i < length ? "it is an assignment, and only the key may stand there" : NULL;
}

static const char *find_mistake(const u_char *text, size_t length)
{
    if (length > KEYSHM_KEY_MAX)
        return "it is too long";
    if (length >= 3 && ngx_memcmp(text, "\xef\xbb\xbf", 3) == 0)
        return "it begins with a byte order mark; save the file without one";
    for (size_t i = 0; i < length; i++)
        if (text[i] < ' ' || text[i] == 0x7f)
            return "it has a control character, such as a tab, in it";
    const char *mistake = find_assignment(text, length);
    if (mistake != NULL)
        return mistake;
    if (memchr(text, ' ', length) != NULL)
        return "it has a space in it";
    if (memchr(text, '"', length) != NULL || memchr(text, '\'', length) != NULL)
        return "it has a quotation mark in it";
    return NULL;
}

static void unquote(const u_char **text, size_t *length)
{
    if (*length >= 2 && (**text == '"' || **text == '\'') && (*text)[*length - 1] == **text) {
        (*text)++;
        *length -= 2;
    }
}

static ngx_int_t take_key(ngx_array_t *keys, const u_char *text, size_t length)
{
    char **key = ngx_array_push(keys);
    if (key == NULL)
        return NGX_ERROR;
    *key = strndup((const char *)text, length);
    if (*key == NULL) {
        keys->nelts--;
        return NGX_ERROR;
    }
    return NGX_OK;
}

static char *take_lines(ngx_conf_t *cf, ngx_str_t *path, const u_char *text, const u_char *end, ngx_array_t *keys)
{
    for (ngx_uint_t line = 1; text < end; line++) {
        const u_char *newline = memchr(text, '\n', (size_t)(end - text));
        const u_char *next = newline == NULL ? end : newline + 1;
        size_t length = (size_t)((newline == NULL ? end : newline) - text);
        if (length > 0 && text[length - 1] == '\r')
            length--;
        if (length > 0 && text[0] != '#') {
            const u_char *key = text;
            unquote(&key, &length);
            const char *mistake = find_mistake(key, length);
            if (mistake != NULL) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "key file \"%V\", line %ui: %s", path, line, mistake);
                return NGX_CONF_ERROR;
            }
            if (length > 0 && take_key(keys, key, length) != NGX_OK)
                return NGX_CONF_ERROR;
        }
        text = next;
    }
    if (keys->nelts == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "key file \"%V\" has no keys", path);
        return NGX_CONF_ERROR;
    }
    return NGX_CONF_OK;
}

/* Larger is no list of keys. */
#define FILE_BYTES_MAX (64 * 1024 * 1024)

static char *check_file(ngx_conf_t *cf, ngx_str_t *path, const ngx_file_info_t *info)
{
    const char *mistake = NULL;
    if (!S_ISREG(info->st_mode))
        mistake = "is no regular file";
    else if ((info->st_mode & 027) != 0)
        mistake = "can be read by all, or written by its group: it is to be its owner's only (chmod 600)";
    else if (info->st_size > FILE_BYTES_MAX)
        mistake = "is too large";
    if (mistake == NULL)
        return NGX_CONF_OK;
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "key file \"%V\" %s", path, mistake);
    return NGX_CONF_ERROR;
}

static char *take_file(ngx_conf_t *cf, ngx_str_t *path, ngx_fd_t fd, ngx_array_t *keys)
{
    ngx_file_info_t info;
    if (ngx_fd_info(fd, &info) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno, ngx_fd_info_n " \"%V\" failed", path);
        return NGX_CONF_ERROR;
    }
    if (check_file(cf, path, &info) != NGX_CONF_OK)
        return NGX_CONF_ERROR;
    size_t size = (size_t)info.st_size, length = 0;
    u_char *text = ngx_alloc(size + 1, cf->log);
    if (text == NULL)
        return NGX_CONF_ERROR;
    ssize_t n = 1;
    while (length < size && (n = pread(fd, text + length, size - length, (off_t)length)) > 0)
        length += (size_t)n;
    char *result = NGX_CONF_ERROR;
    if (n < 0)
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno, "cannot read key file \"%V\"", path);
    else
        result = take_lines(cf, path, text, text + length, keys);
    explicit_bzero(text, size);
    ngx_free(text);
    return result;
}

static void wipe_keys(void *data)
{
    ngx_array_t *keys = data;
    char **key = keys->elts;
    for (ngx_uint_t i = 0; i < keys->nelts; i++) {
        explicit_bzero(key[i], strlen(key[i]));
        free(key[i]);
    }
    keys->nelts = 0;
}

char *ngx_http_keyshm_read_keys(ngx_conf_t *cf, ngx_str_t *path, ngx_array_t *ret_keys)
{
    ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(cf->pool, 0);
    if (cleanup == NULL || ngx_array_init(ret_keys, cf->pool, 16, sizeof(char *)) != NGX_OK ||
        ngx_conf_full_name(cf->cycle, path, 1) != NGX_OK)
        return NGX_CONF_ERROR;
    ngx_fd_t fd = open((char *)path->data, O_RDONLY | O_CLOEXEC);
    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno, "cannot open key file \"%V\"", path);
        return NGX_CONF_ERROR;
    }
    cleanup->handler = wipe_keys;
    cleanup->data = ret_keys;
    char *result = take_file(cf, path, fd, ret_keys);
    ngx_close_file(fd);
    return result;
}
