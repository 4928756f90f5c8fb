/* SPDX-License-Identifier: MIT */
#include "request.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "keyshm-http.h"
#include "program.h"
#include "provider_rules.h"
#include "request_rules.h"
#include "secret.h"

/* ---- what the rules say ---- */

/* The member "check" of the provider's rules, or NULL: *ret_described owns it. */
static enum exit_status describe_check(const char *rules, json_t **ret_described, json_t **ret_check)
{
    enum exit_status status = provider_rules_load();
    if (status == EXIT_FINE)
        status = provider_rules_describe(rules, ret_described);
    /* The provider's own come first. */
    *ret_check = json_object_get(json_array_get(*ret_described, 0), "check");
    return status;
}

static enum exit_status refuse_rules(const char *rules, const char *member, const char *rule)
{
    return refuse("check: in the rules of %s, check.%s must be %s", rules, member, rule);
}

static enum exit_status read_headers(json_t *check, struct check_request *request)
{
    json_t *headers = json_object_get(check, "headers");
    for (size_t i = 0; i < json_array_size(headers); i++) {
        const char *header = json_string_value(json_array_get(headers, i));
        if (header == NULL || !request_header_is_allowed(header) || request->header_count == CHECK_HEADERS_MAX)
            return refuse_rules(request->rules, "headers", "up to 32 of " REQUEST_HEADER_RULE);
        request->headers[request->header_count++] = header;
    }
    return EXIT_FINE;
}

static enum exit_status read_check(json_t *check, struct check_request *request)
{
    const char *method = json_string_value(json_object_get(check, "method"));
    request->url = json_string_value(json_object_get(check, "url"));
    request->method = method != NULL ? method : "GET";
    if (request->url != NULL && !request_url_is_allowed(request->url))
        return refuse_rules(request->rules, "url", REQUEST_URL_RULE);
    if (!request_method_is_allowed(request->method))
        return refuse_rules(request->rules, "method", REQUEST_METHOD_RULE);
    return read_headers(check, request);
}

/* ---- what the command line says ---- */

/* Each replaces what the rules say. Headers of other names stay, since a provider may want them all. */
static bool has_name_of(const char *header, const char *other)
{
    size_t length = strcspn(header, ":") + 1;
    return strncasecmp(header, other, length) == 0;
}

static enum exit_status put_header(struct check_request *request, size_t from_rules, const char *header)
{
    for (size_t i = 0; i < from_rules; i++)
        if (has_name_of(header, request->headers[i])) {
            request->headers[i] = header;
            return EXIT_FINE;
        }
    if (request->header_count == CHECK_HEADERS_MAX)
        return refuse("check: a request can have %d headers", CHECK_HEADERS_MAX);
    request->headers[request->header_count++] = header;
    return EXIT_FINE;
}

static enum exit_status take_arguments(const struct arguments *arguments, struct check_request *request)
{
    size_t from_rules = request->header_count;
    enum exit_status status = EXIT_FINE;
    if (arguments->url != NULL)
        request->url = arguments->url;
    if (arguments->method != NULL)
        request->method = arguments->method;
    for (size_t i = 0; i < arguments->header_count && status == EXIT_FINE; i++)
        status = put_header(request, from_rules, arguments->headers[i]);
    return status;
}

/* ---- both ---- */

static bool has_key(const struct check_request *request)
{
    bool is_found = strstr(request->url, REQUEST_KEY) != NULL;
    for (size_t i = 0; i < request->header_count; i++)
        is_found |= strstr(request->headers[i], REQUEST_KEY) != NULL;
    return is_found;
}

static bool curl_takes(const char *url)
{
    char *filled = check_request_fill(url, "key");
    CURLU *parsed = curl_url();
    bool is_taken = filled != NULL && parsed != NULL && curl_url_set(parsed, CURLUPART_URL, filled, 0) == CURLUE_OK;
    curl_url_cleanup(parsed);
    secret_free(filled);
    return is_taken;
}

/* A URL is never shown: there may be a key in it. */
static enum exit_status check_whole(const struct check_request *request)
{
    if (request->url == NULL)
        return refuse("check: the rules of %s name no request by which a key can be checked; give --url and --header",
                      request->rules);
    if (!curl_takes(request->url))
        return refuse("check: the URL must be " REQUEST_URL_RULE);
    if (!has_key(request))
        return refuse("check: " REQUEST_KEY
                      " is neither in a header nor in the URL, so the provider would not see a key");
    return EXIT_FINE;
}

enum exit_status check_request_choose(const struct arguments *arguments, const char *rules,
                                      struct check_request *ret_request)
{
    json_t *check = NULL;
    *ret_request = (struct check_request){.rules = rules};
    enum exit_status status = describe_check(rules, &ret_request->described, &check);
    if (status == EXIT_FINE)
        status = read_check(check, ret_request);
    if (status == EXIT_FINE)
        status = take_arguments(arguments, ret_request);
    return status == EXIT_FINE ? check_whole(ret_request) : status;
}

void check_request_free(struct check_request *request)
{
    json_decref(request->described);
}

/* ---- with a key ---- */

static size_t count_places(const char *text)
{
    size_t count = 0;
    while ((text = strstr(text, REQUEST_KEY)) != NULL) {
        text += strlen(REQUEST_KEY);
        count++;
    }
    return count;
}

char *check_request_fill(const char *text, const char *key)
{
    char *filled = malloc(strlen(text) + count_places(text) * strlen(key) + 1), *to = filled;
    for (const char *place; filled != NULL && (place = strstr(text, REQUEST_KEY)) != NULL;) {
        to = mempcpy(to, text, (size_t)(place - text));
        to = stpcpy(to, key);
        text = place + strlen(REQUEST_KEY);
    }
    if (filled != NULL)
        memcpy(to, text, strlen(text) + 1);
    return filled;
}
