/* SPDX-License-Identifier: MIT */
#include "ngx_http_keyshm.h"

/*
 * $keyshm_key is not to be in a log. It has no value any longer when a request is logged, but a variable that was made of it may
 * have kept one. nginx does not tell modules what is in log_format, map and set; so the files are read once more.
 *
 * That nginx takes them is known already. What this reading does not understand, such as a block of Lua, it skips.
 */

#define DEPTH_MAX 16
#define BLOCKS_MAX 64

/* A directive, or a block with all that is in it. */
typedef struct {
    ngx_str_t target; /* the variable that it makes; "": it is one that writes logs */
    ngx_str_t file;
    ngx_uint_t line;
    ngx_array_t uses; /* ngx_str_t: variables */
} statement_t;

typedef struct {
    ngx_conf_t *cf;
    ngx_array_t statements; /* of statement_t * */
    ngx_uint_t depth;       /* of includes */
} reading_t;

typedef struct {
    const u_char *at, *end;
    ngx_uint_t line;
} text_t;

static ngx_int_t read_file(reading_t *reading, ngx_str_t *path);

/* ---- tokens ---- */

static ngx_int_t is_space(u_char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_space(text_t *text)
{
    while (text->at < text->end && (is_space(*text->at) || *text->at == '#')) {
        if (*text->at == '#')
            while (text->at < text->end && *text->at != '\n')
                text->at++;
        else
            text->line += *text->at++ == '\n';
    }
}

static void skip_quoted(text_t *text, u_char quote)
{
    for (; text->at < text->end && *text->at != quote; text->at++) {
        if (*text->at == '\\' && text->at + 1 < text->end)
            text->at++;
        text->line += *text->at == '\n';
    }
}

/* A word, or one of ; { }. Quotes are taken off. Length 0 at the end; ret_is_sign: it is one of the three. */
static ngx_str_t next_token(text_t *text, ngx_int_t *ret_is_sign)
{
    skip_space(text);
    ngx_str_t token = {0, (u_char *)text->at};
    *ret_is_sign = text->at < text->end && (*text->at == ';' || *text->at == '{' || *text->at == '}');
    if (*ret_is_sign) {
        token.len = 1;
        text->at++;
    } else if (text->at < text->end && (*text->at == '"' || *text->at == '\'')) {
        u_char quote = *text->at++;
        token.data++;
        skip_quoted(text, quote);
        token.len = (size_t)(text->at - token.data);
        text->at += text->at < text->end;
    } else {
        for (; text->at < text->end && !is_space(*text->at) && *text->at != ';'; text->at++) {
            if (*text->at == '{' && text->at[-1] != '$')
                break;
            text->at += *text->at == '\\' && text->at + 1 < text->end;
        }
        token.len = (size_t)(text->at - token.data);
    }
    return token;
}

/* ---- what a directive uses, and makes ---- */

static ngx_int_t is_name(u_char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static ngx_int_t add_uses(statement_t *statement, ngx_str_t token)
{
    for (const u_char *p = token.data, *end = p + token.len; p < end; p++) {
        if (*p != '$')
            continue;
        p += p + 1 < end && p[1] == '{' ? 2 : 1;
        const u_char *name = p;
        while (p < end && is_name(*p))
            p++;
        if (p == name)
            continue;
        ngx_str_t *use = ngx_array_push(&statement->uses);
        if (use == NULL)
            return NGX_ERROR;
        *use = (ngx_str_t){(size_t)(p - name), (u_char *)name};
        p--;
    }
    return NGX_OK;
}

static ngx_int_t is_word(const ngx_str_t *token, const char *word)
{
    return token->len == ngx_strlen(word) && ngx_memcmp(token->data, word, token->len) == 0;
}

static ngx_str_t without_dollar(ngx_str_t token)
{
    return token.len > 1 && token.data[0] == '$' ? (ngx_str_t){token.len - 1, token.data + 1} : token;
}

/* Which of its arguments is the variable that it makes; 0: it makes none that matters. */
static ngx_uint_t find_target(const ngx_str_t *directive)
{
    static const struct {
        const char *name;
        ngx_uint_t target;
    } makers[] = {{"set", 1}, {"map", 2}, {"split_clients", 2}, {"auth_request_set", 1}, {"js_var", 1}};
    for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++)
        if (is_word(directive, makers[i].name))
            return makers[i].target;
    return 0;
}

static statement_t *new_statement(reading_t *reading, ngx_str_t *file, ngx_uint_t line, ngx_str_t target)
{
    statement_t *statement = ngx_pcalloc(reading->cf->temp_pool, sizeof(*statement));
    statement_t **place = ngx_array_push(&reading->statements);
    if (statement == NULL || place == NULL ||
        ngx_array_init(&statement->uses, reading->cf->temp_pool, 4, sizeof(ngx_str_t)) != NGX_OK)
        return NULL;
    *place = statement;
    statement->target = target;
    statement->file = *file;
    statement->line = line;
    return statement;
}

/* All words up to the end of the block that has begun. */
static ngx_int_t add_block(statement_t *statement, text_t *text)
{
    ngx_int_t is_sign;
    for (ngx_str_t token = next_token(text, &is_sign); text->at < text->end; token = next_token(text, &is_sign)) {
        if (is_sign && token.data[0] == '}')
            break;
        if (!is_sign && add_uses(statement, token) != NGX_OK)
            return NGX_ERROR;
    }
    return NGX_OK;
}

static ngx_int_t take_directive(reading_t *reading, ngx_str_t *file, ngx_uint_t line, ngx_str_t *words, ngx_uint_t count,
                                text_t *block)
{
    ngx_uint_t target = find_target(&words[0]), last = count;
    ngx_int_t logs = is_word(&words[0], "log_format") || is_word(&words[0], "access_log");
    if (is_word(&words[0], "access_log") && count > 2)
        last = 2; /* its path; what follows is no text */
    if ((target == 0 && !logs) || target >= count)
        return NGX_OK;
    statement_t *statement =
        new_statement(reading, file, line, target == 0 ? (ngx_str_t)ngx_null_string : without_dollar(words[target]));
    if (statement == NULL)
        return NGX_ERROR;
    for (ngx_uint_t i = 1; i < last; i++)
        if (i != target && add_uses(statement, words[i]) != NGX_OK)
            return NGX_ERROR;
    return block == NULL ? NGX_OK : add_block(statement, block);
}

/* ---- files ---- */

static ngx_int_t include(reading_t *reading, ngx_str_t pattern)
{
    ngx_str_t path, with_end = {pattern.len + 1, pattern.data};
    path.len = pattern.len;
    path.data = ngx_pstrdup(reading->cf->temp_pool, &with_end);
    if (path.data == NULL)
        return NGX_ERROR;
    path.data[path.len] = '\0';
    if (ngx_conf_full_name(reading->cf->cycle, &path, 1) != NGX_OK)
        return NGX_ERROR;
    ngx_glob_t gl;
    ngx_memzero(&gl, sizeof(gl));
    gl.pattern = path.data;
    gl.log = reading->cf->log;
    if (ngx_open_glob(&gl) != NGX_OK)
        return NGX_OK;
    ngx_str_t name;
    ngx_int_t rc = NGX_OK;
    while (rc == NGX_OK && ngx_read_glob(&gl, &name) == NGX_OK) {
        ngx_str_t copy = {name.len, ngx_pnalloc(reading->cf->temp_pool, name.len + 1)};
        if (copy.data == NULL) {
            rc = NGX_ERROR;
            break;
        }
        (void)ngx_cpystrn(copy.data, name.data, name.len + 1);
        rc = read_file(reading, &copy);
    }
    ngx_close_glob(&gl);
    return rc;
}

enum { WORDS_MAX = 64 };

static ngx_int_t read_text(reading_t *reading, ngx_str_t *file, text_t *text)
{
    ngx_str_t words[WORDS_MAX];
    ngx_uint_t count = 0, line = 1;
    ngx_int_t is_sign, rc = NGX_OK;
    while (rc == NGX_OK && text->at < text->end) {
        ngx_str_t token = next_token(text, &is_sign);
        if (!is_sign) {
            line = count == 0 ? text->line : line;
            if (token.len > 0 && count < WORDS_MAX)
                words[count++] = token;
            continue;
        }
        ngx_int_t is_map = count > 2 && find_target(&words[0]) == 2;
        if (count == 2 && is_word(&words[0], "include"))
            rc = include(reading, words[1]);
        else if (count > 1)
            rc = take_directive(reading, file, line, words, count, is_map && token.data[0] == '{' ? text : NULL);
        count = 0;
    }
    return rc;
}

static ngx_int_t read_file(reading_t *reading, ngx_str_t *path)
{
    ngx_file_info_t info;
    if (reading->depth >= DEPTH_MAX)
        return NGX_OK;
    ngx_fd_t fd = open((char *)path->data, O_RDONLY | O_CLOEXEC);
    if (fd == NGX_INVALID_FILE)
        return NGX_OK;
    ngx_int_t rc = NGX_OK;
    if (ngx_fd_info(fd, &info) != NGX_FILE_ERROR && S_ISREG(info.st_mode)) {
        u_char *data = ngx_pnalloc(reading->cf->temp_pool, (size_t)info.st_size + 1);
        ssize_t size = data == NULL ? -1 : read(fd, data, (size_t)info.st_size);
        if (size > 0) {
            reading->depth++;
            rc = read_text(reading, path, &(text_t){data, data + size, 1});
            reading->depth--;
        }
    }
    ngx_close_file(fd);
    return rc;
}

/* ---- the answer ---- */

static ngx_int_t is_among(ngx_array_t *names, const ngx_str_t *name)
{
    ngx_str_t *other = names->elts;
    for (ngx_uint_t i = 0; i < names->nelts; i++)
        if (other[i].len == name->len && ngx_strncasecmp(other[i].data, name->data, name->len) == 0)
            return 1;
    return 0;
}

/* The name by which it uses a secret; NULL: it does not. */
static ngx_str_t *find_secret(statement_t *statement, ngx_array_t *secrets)
{
    ngx_str_t *use = statement->uses.elts;
    for (ngx_uint_t i = 0; i < statement->uses.nelts; i++)
        if (is_among(secrets, &use[i]))
            return &use[i];
    return NULL;
}

/* What is made of a secret is one. Every round but the last finds another. */
static ngx_int_t find_secrets(reading_t *reading, ngx_array_t *secrets)
{
    statement_t **statement = reading->statements.elts;
    ngx_uint_t before;
    do {
        before = secrets->nelts;
        for (ngx_uint_t i = 0; i < reading->statements.nelts; i++) {
            statement_t *s = statement[i];
            if (s->target.len == 0 || is_among(secrets, &s->target) || find_secret(s, secrets) == NULL)
                continue;
            ngx_str_t *secret = ngx_array_push(secrets);
            if (secret == NULL)
                return NGX_ERROR;
            *secret = s->target;
        }
    } while (secrets->nelts > before);
    return NGX_OK;
}

static ngx_int_t refuse_logs(reading_t *reading, ngx_array_t *secrets)
{
    statement_t **statement = reading->statements.elts;
    for (ngx_uint_t i = 0; i < reading->statements.nelts; i++) {
        ngx_str_t *secret = statement[i]->target.len > 0 ? NULL : find_secret(statement[i], secrets);
        if (secret == NULL)
            continue;
        ngx_log_error(
            NGX_LOG_EMERG, reading->cf->log, 0,
            "a log cannot have \"$%V\", by which the key of keyshm would be in it; $keyshm_masked and $keyshm_id "
            "can be logged, in %V:%ui",
            secret, &statement[i]->file, statement[i]->line);
        return NGX_ERROR;
    }
    return NGX_OK;
}

ngx_int_t ngx_http_keyshm_check_secrecy(ngx_conf_t *cf)
{
    reading_t reading = {.cf = cf};
    ngx_array_t secrets;
    if (!ngx_http_keyshm_uses(cf, "keyshm_key"))
        return NGX_OK;
    if (ngx_array_init(&reading.statements, cf->temp_pool, 32, sizeof(statement_t *)) != NGX_OK ||
        ngx_array_init(&secrets, cf->temp_pool, 4, sizeof(ngx_str_t)) != NGX_OK)
        return NGX_ERROR;
    ngx_str_t *key = ngx_array_push(&secrets);
    ngx_str_set(key, "keyshm_key");
    if (read_file(&reading, &cf->cycle->conf_file) != NGX_OK || find_secrets(&reading, &secrets) != NGX_OK)
        return NGX_ERROR;
    return refuse_logs(&reading, &secrets);
}
