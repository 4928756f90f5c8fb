/* SPDX-License-Identifier: MIT */
#include "ngx_http_keyshm.h"

/*
 * $keyshm_key is for what is sent to the provider alone: neither a log is to have it, nor a client. It has no value any longer
 * when a request is logged, but a variable that was made of it may have kept one. nginx does not tell modules what is in
 * log_format, map and set; so the files are read once more, and what is not known to send it to a provider is refused.
 *
 * That nginx takes them is known already. A block of Lua is read as if it were directives.
 */

#define DEPTH_MAX 16

/* A directive, or a block with all that is in it. */
typedef struct {
    ngx_str_t directive;
    ngx_str_t target; /* the variable that it makes; "": it makes none */
    ngx_str_t file;
    ngx_uint_t line;
    ngx_array_t uses;       /* ngx_str_t: variables */
    ngx_uint_t source_uses; /* so many of them, the first, are in what a map looks for */
    ngx_int_t has_regex;    /* a map by regular expressions */
    ngx_int_t is_path;      /* of the URL of proxy_pass */
} statement_t;

typedef struct {
    ngx_conf_t *cf;
    ngx_array_t statements; /* of statement_t * */
    ngx_uint_t depth;       /* of includes */
    ngx_int_t has_path;     /* a secret is in the URL of proxy_pass */
} reading_t;

typedef struct {
    const u_char *at, *end;
    ngx_uint_t line;
} text_t;

static ngx_int_t include(reading_t *reading, ngx_str_t pattern, statement_t *block);

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

/* It sends what it has to the provider, or chooses a server by it. */
static ngx_int_t may_have_key(const ngx_str_t *directive)
{
    static const char *const senders[] = {
        "proxy_set_header", "proxy_set_body", "grpc_set_header", "fastcgi_param", "uwsgi_param", "scgi_param", "hash"};
    for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]); i++)
        if (is_word(directive, senders[i]))
            return 1;
    return 0;
}

static statement_t *new_statement(reading_t *reading, ngx_str_t *directive, ngx_str_t *file, ngx_uint_t line)
{
    statement_t *statement = ngx_pcalloc(reading->cf->temp_pool, sizeof(*statement));
    statement_t **place = ngx_array_push(&reading->statements);
    if (statement == NULL || place == NULL ||
        ngx_array_init(&statement->uses, reading->cf->temp_pool, 4, sizeof(ngx_str_t)) != NGX_OK)
        return NULL;
    *place = statement;
    statement->directive = *directive;
    statement->file = *file;
    statement->line = line;
    return statement;
}

/* All words up to the end of the block that has begun, or of a file that is included in it. */
static ngx_int_t add_block(reading_t *reading, statement_t *statement, text_t *text)
{
    ngx_str_t first = ngx_null_string, second = ngx_null_string; /* of an entry */
    ngx_uint_t count = 0;
    ngx_int_t is_sign;
    while (text->at < text->end) {
        ngx_str_t token = next_token(text, &is_sign);
        if (is_sign && token.data[0] == '}')
            break;
        if (is_sign) {
            if (count == 2 && is_word(&first, "include") && include(reading, second, statement) != NGX_OK)
                return NGX_ERROR;
            count = 0;
            continue;
        }
        if (count == 0)
            statement->has_regex |= token.len > 0 && token.data[0] == '~';
        *(count == 0 ? &first : &second) = token;
        count++;
        if (add_uses(statement, token) != NGX_OK)
            return NGX_ERROR;
    }
    return NGX_OK;
}

/* Behind the server, where providers have the key that take it in the URL. */
static ngx_int_t take_path(reading_t *reading, ngx_str_t *file, ngx_uint_t line, ngx_str_t *words)
{
    u_char *end = words[1].data + words[1].len;
    u_char *server = ngx_strlcasestrn(words[1].data, end, (u_char *)"://", 3 - 1);
    u_char *path = server == NULL ? NULL : ngx_strlchr(server + 3, end, '/');
    if (path == NULL)
        return NGX_OK;
    statement_t *statement = new_statement(reading, &words[0], file, line);
    if (statement == NULL)
        return NGX_ERROR;
    statement->is_path = 1;
    words[1].len = (size_t)(path - words[1].data);
    return add_uses(statement, (ngx_str_t){(size_t)(end - path), path});
}

static ngx_int_t take_directive(reading_t *reading, ngx_str_t *file, ngx_uint_t line, ngx_array_t *all, text_t *block)
{
    ngx_str_t *words = all->elts;
    ngx_uint_t target = find_target(&words[0]), last = all->nelts;
    if (is_word(&words[0], "access_log") && last > 2)
        last = 2; /* its path; what follows is no text */
    if (may_have_key(&words[0]) || target >= all->nelts)
        return NGX_OK;
    if (is_word(&words[0], "proxy_pass") && take_path(reading, file, line, words) != NGX_OK)
        return NGX_ERROR;
    statement_t *statement = new_statement(reading, &words[0], file, line);
    if (statement == NULL)
        return NGX_ERROR;
    if (target != 0)
        statement->target = without_dollar(words[target]);
    for (ngx_uint_t i = 1; i < last; i++)
        if (i != target && add_uses(statement, words[i]) != NGX_OK)
            return NGX_ERROR;
    if (block == NULL)
        return NGX_OK;
    statement->source_uses = statement->uses.nelts;
    return add_block(reading, statement, block);
}

/* ---- files ---- */

static ngx_int_t read_text(reading_t *reading, ngx_str_t *file, text_t *text)
{
    ngx_array_t words;
    ngx_uint_t line = 1;
    ngx_int_t is_sign, rc = ngx_array_init(&words, reading->cf->temp_pool, 16, sizeof(ngx_str_t));
    while (rc == NGX_OK && text->at < text->end) {
        ngx_str_t token = next_token(text, &is_sign);
        if (!is_sign) {
            line = words.nelts == 0 ? text->line : line;
            ngx_str_t *word = ngx_array_push(&words);
            if (word == NULL)
                return NGX_ERROR;
            *word = token;
            continue;
        }
        ngx_str_t *word = words.elts;
        ngx_int_t is_map = words.nelts > 2 && find_target(&word[0]) == 2;
        if (words.nelts == 2 && is_word(&word[0], "include"))
            rc = include(reading, word[1], NULL);
        else if (words.nelts > 1)
            rc = take_directive(reading, file, line, &words, is_map && token.data[0] == '{' ? text : NULL);
        words.nelts = 0;
    }
    return rc;
}

/* A file of directives, or one that is included in the block of a statement. */
static ngx_int_t read_file(reading_t *reading, ngx_str_t *path, statement_t *block)
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
            text_t text = {data, data + size, 1};
            reading->depth++;
            rc = block != NULL ? add_block(reading, block, &text) : read_text(reading, path, &text);
            reading->depth--;
        }
    }
    ngx_close_file(fd);
    return rc;
}

static ngx_int_t include(reading_t *reading, ngx_str_t pattern, statement_t *block)
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
        rc = read_file(reading, &copy, block);
    }
    ngx_close_glob(&gl);
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

/* The name by which one of its first uses is of a secret; NULL: none is. */
static ngx_str_t *find_secret(statement_t *statement, ngx_uint_t uses, ngx_array_t *secrets)
{
    ngx_str_t *use = statement->uses.elts;
    for (ngx_uint_t i = 0; i < uses; i++)
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
            if (s->target.len == 0 || is_among(secrets, &s->target) || find_secret(s, s->uses.nelts, secrets) == NULL)
                continue;
            ngx_str_t *secret = ngx_array_push(secrets);
            if (secret == NULL)
                return NGX_ERROR;
            *secret = s->target;
        }
    } while (secrets->nelts > before);
    return NGX_OK;
}

static ngx_int_t refuse(reading_t *reading, const statement_t *statement, ngx_str_t *secret)
{
    const ngx_str_t *directive = &statement->directive, *file = &statement->file;
    ngx_log_t *log = reading->cf->log;
    if (statement->target.len > 0) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "a regular expression in a map of \"$%V\" would keep parts of the key of keyshm, in %V:%ui", secret,
                      file, statement->line);
    } else if (is_word(directive, "log_format") || is_word(directive, "access_log")) {
        ngx_log_error(
            NGX_LOG_EMERG, log, 0,
            "a log cannot have \"$%V\", by which the key of keyshm would be in it; $keyshm_masked and $keyshm_id can be "
            "logged, in %V:%ui",
            secret, file, statement->line);
    } else {
        ngx_log_error(
            NGX_LOG_EMERG, log, 0,
            "\"%V\" cannot have \"$%V\", by which the key of keyshm would come to others than the provider; a header can "
            "that is sent to it (proxy_set_header), in %V:%ui",
            directive, secret, file, statement->line);
    }
    return NGX_ERROR;
}

static ngx_int_t refuse_leaks(reading_t *reading, ngx_array_t *secrets)
{
    statement_t **statement = reading->statements.elts;
    for (ngx_uint_t i = 0; i < reading->statements.nelts; i++) {
        ngx_uint_t uses = statement[i]->uses.nelts;
        if (statement[i]->target.len > 0) /* what it makes is a secret, too; what it matches has other names */
            uses = statement[i]->has_regex ? statement[i]->source_uses : 0;
        ngx_str_t *secret = find_secret(statement[i], uses, secrets);
        if (secret != NULL && !statement[i]->is_path)
            return refuse(reading, statement[i], secret);
        reading->has_path |= secret != NULL;
    }
    return NGX_OK;
}

/* ---- the path in which the key is ---- */

static ngx_http_log_handler_pt log_rest;

/* nginx ends a line of the error log with the URL that it has asked for. */
static u_char *log_without_path(ngx_http_request_t *r, ngx_http_request_t *sr, u_char *buffer, size_t size)
{
    ngx_http_upstream_t *u = sr->upstream;
    if (u == NULL)
        return log_rest(r, sr, buffer, size);
    ngx_str_t path = u->uri;
    ngx_str_set(&u->uri, "/...");
    u_char *end = log_rest(r, sr, buffer, size);
    u->uri = path;
    return end;
}

static ngx_int_t guard_log(ngx_http_request_t *r)
{
    if (r->log_handler != log_without_path) {
        log_rest = r->log_handler;
        r->log_handler = log_without_path;
    }
    return NGX_DECLINED;
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
    if (read_file(&reading, &cf->cycle->conf_file, NULL) != NGX_OK || find_secrets(&reading, &secrets) != NGX_OK)
        return NGX_ERROR;
    if (refuse_leaks(&reading, &secrets) != NGX_OK)
        return NGX_ERROR;
    return reading.has_path ? ngx_http_keyshm_add_handler(cf, NGX_HTTP_POST_READ_PHASE, guard_log) : NGX_OK;
}
