/* SPDX-License-Identifier: MIT */
#include "exchange.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "secret.h"

#define CONNECT_TIMEOUT_MS 5000L
#define TIMEOUT_MS 15000L /* all of it, connecting included */

/* More of them is not kept: no answer has as many. */
#define FIELDS_MAX 256
#define FIELD_BYTES_MAX 65536

struct exchange {
    CURL *easy;
    struct curl_slist *headers; /* of the request */
    void *user;
    CURLcode code;
    bool is_enough; /* of the body: the rest does not matter */
    size_t field_count, field_bytes, body_bytes;
    struct keyshm_http_header fields[FIELDS_MAX];
    char field_text[FIELD_BYTES_MAX];
    char body[KEYSHM_HTTP_BODY_MAX];
};

/* ---- memory ---- */

static void *wipe_and_grow(void *block, size_t size)
{
    void *grown = malloc(size);
    size_t old = block != NULL ? malloc_usable_size(block) : 0;
    if (grown == NULL || block == NULL)
        return grown;
    memcpy(grown, block, old < size ? old : size);
    secret_free(block);
    return grown;
}

int exchange_begin_all(CURLM **ret_multi)
{
    /* The memory in which libcurl keeps headers, URLs and what it sends is wiped, too. */
    if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, secret_free, wipe_and_grow, strdup, calloc) != CURLE_OK)
        return -ENOMEM;
    *ret_multi = curl_multi_init();
    if (*ret_multi == NULL)
        curl_global_cleanup();
    return *ret_multi != NULL ? 0 : -ENOMEM;
}

void exchange_end_all(CURLM *multi)
{
    curl_multi_cleanup(multi);
    curl_global_cleanup();
}

/* ---- what comes ---- */

static size_t take_body(char *bytes, size_t size, size_t count, void *user)
{
    struct exchange *exchange = user;
    size_t room = sizeof(exchange->body) - exchange->body_bytes, given = size * count;
    size_t part = given < room ? given : room;
    memcpy(exchange->body + exchange->body_bytes, bytes, part);
    exchange->body_bytes += part;
    exchange->is_enough = part < given;
    return part; /* less than was given ends the transfer */
}

/* Blanks around it do not count. */
static void trim(const char **text, size_t *length)
{
    while (*length > 0 && strchr(" \t\r\n", **text) != NULL) {
        ++*text;
        --*length;
    }
    while (*length > 0 && strchr(" \t\r\n", (*text)[*length - 1]) != NULL)
        --*length;
}

static void keep_field(struct exchange *exchange, const char *line, size_t length)
{
    const char *colon = memchr(line, ':', length);
    if (colon == NULL || exchange->field_count == FIELDS_MAX || length > FIELD_BYTES_MAX - exchange->field_bytes)
        return;
    char *text = exchange->field_text + exchange->field_bytes;
    memcpy(text, line, length);
    exchange->field_bytes += length;
    struct keyshm_http_header *field = &exchange->fields[exchange->field_count++];
    field->name = text;
    field->name_length = (size_t)(colon - line);
    field->value = text + field->name_length + 1;
    field->value_length = length - field->name_length - 1;
    trim(&field->value, &field->value_length);
}

static size_t take_header(char *bytes, size_t size, size_t count, void *user)
{
    struct exchange *exchange = user;
    size_t length = size * count;
    /* The status line of another answer: what came before was informational (RFC 9110, 15.2). */
    if (length > 5 && strncasecmp(bytes, "HTTP/", 5) == 0)
        exchange->field_count = exchange->field_bytes = 0;
    else
        keep_field(exchange, bytes, length);
    return length;
}

/* ---- the request ---- */

static int set_headers(struct exchange *exchange, const struct check_request *request, const char *key)
{
    for (size_t i = 0; i < request->header_count; i++) {
        char *header = check_request_fill(request->headers[i], key);
        struct curl_slist *grown = header != NULL ? curl_slist_append(exchange->headers, header) : NULL;
        secret_free(header);
        if (grown == NULL)
            return -ENOMEM;
        exchange->headers = grown;
    }
    return curl_easy_setopt(exchange->easy, CURLOPT_HTTPHEADER, exchange->headers) == CURLE_OK ? 0 : -ENOMEM;
}

static int set_url(struct exchange *exchange, const struct check_request *request, const char *key)
{
    char *escaped = curl_easy_escape(exchange->easy, key, 0);
    char *url = escaped != NULL ? check_request_fill(request->url, escaped) : NULL;
    int r = url != NULL && curl_easy_setopt(exchange->easy, CURLOPT_URL, url) == CURLE_OK ? 0 : -ENOMEM;
    secret_free(url);
    curl_free(escaped);
    return r;
}

static void set_method(CURL *easy, const char *method)
{
    if (strcmp(method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
        return;
    }
    if (method[0] == 'P') /* POST, PUT, PATCH: with an empty body */
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "");
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
}

/* Redirects are not followed, since the key is for this provider alone. Proxies are those of the environment. */
static void set_rules(struct exchange *exchange)
{
    CURL *easy = exchange->easy;
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (secure_getenv("SSL_CERT_FILE") != NULL) /* as curl(1) does; the library does not */
        curl_easy_setopt(easy, CURLOPT_CAINFO, secure_getenv("SSL_CERT_FILE"));
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* an end does not wait for a name server */
#endif
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "keyshm-ctl");
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange);
}

int exchange_start(CURLM *multi, const struct check_request *request, const char *key, void *user,
                   struct exchange **ret_exchange)
{
    struct exchange *exchange = calloc(1, sizeof(*exchange));
    if (exchange == NULL)
        return -ENOMEM;
    exchange->user = user;
    exchange->easy = curl_easy_init();
    int r = exchange->easy != NULL ? set_url(exchange, request, key) : -ENOMEM;
    if (r == 0)
        r = set_headers(exchange, request, key);
    if (r == 0) {
        set_rules(exchange);
        set_method(exchange->easy, request->method);
        r = curl_multi_add_handle(multi, exchange->easy) == CURLM_OK ? 0 : -ENOMEM;
    }
    if (r < 0)
        exchange_end(multi, exchange);
    else
        *ret_exchange = exchange;
    return r;
}

void exchange_end(CURLM *multi, struct exchange *exchange)
{
    if (exchange->easy != NULL)
        curl_multi_remove_handle(multi, exchange->easy);
    curl_easy_cleanup(exchange->easy);
    curl_slist_free_all(exchange->headers);
    secret_free(exchange);
}

/* ---- the answer ---- */

struct exchange *exchange_take(CURLM *multi)
{
    int left;
    const CURLMsg *message;
    while ((message = curl_multi_info_read(multi, &left)) != NULL) {
        struct exchange *exchange = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&exchange);
        exchange->code = message->data.result;
        if (exchange->code == CURLE_WRITE_ERROR && exchange->is_enough)
            exchange->code = CURLE_OK;
        return exchange;
    }
    return NULL;
}

void *exchange_user(const struct exchange *exchange)
{
    return exchange->user;
}

static enum keyshm_http_transport transport_of(CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return KEYSHM_HTTP_TRANSPORT_OK;
    case CURLE_OPERATION_TIMEDOUT:
        return KEYSHM_HTTP_TRANSPORT_TIMEOUT;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return KEYSHM_HTTP_TRANSPORT_DNS;
    case CURLE_COULDNT_CONNECT:
    case CURLE_PROXY:
        return KEYSHM_HTTP_TRANSPORT_CONNECT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return KEYSHM_HTTP_TRANSPORT_TLS;
    default:
        return KEYSHM_HTTP_TRANSPORT_RESET;
    }
}

static int status_of(const struct exchange *exchange)
{
    long status = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    return status >= 100 && status <= 999 ? (int)status : 0;
}

void exchange_read(const struct exchange *exchange, struct keyshm_http_response *ret_response)
{
    keyshm_http_response_init(ret_response, sizeof(*ret_response));
    ret_response->status = status_of(exchange);
    ret_response->transport = transport_of(exchange->code);
    ret_response->headers = exchange->fields;
    ret_response->header_count = exchange->field_count;
    ret_response->body = exchange->body;
    ret_response->body_length = exchange->body_bytes;
}

const char *exchange_failure(const struct exchange *exchange)
{
    return exchange->code != CURLE_OK ? curl_easy_strerror(exchange->code) : NULL;
}

bool exchange_is_unreachable(const struct exchange *exchange)
{
    curl_off_t sent_us = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_PRETRANSFER_TIME_T, &sent_us);
    return exchange->code != CURLE_OK && status_of(exchange) == 0 && sent_us == 0;
}
