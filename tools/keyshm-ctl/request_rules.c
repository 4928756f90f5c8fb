/* SPDX-License-Identifier: MIT */
#include "request_rules.h"

#include <string.h>
#include <strings.h>

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

#define URL_LENGTH_MAX 2048
#define METHOD_LENGTH_MAX 16
#define HEADER_LENGTH_MAX 2048

/* What comes after "://"; NULL: it is of another scheme. */
static const char *find_host(const char *url)
{
    static const char *const schemes[] = {"https://", "http://"};
    for (int i = 0; i < 2; i++)
        if (strncasecmp(url, schemes[i], strlen(schemes[i])) == 0)
            return url + strlen(schemes[i]);
    return NULL;
}

bool request_url_is_allowed(const char *url)
{
    const char *host = find_host(url);
    size_t length = strlen(url), host_length = host != NULL ? strcspn(host, "/?#") : 0;
    if (host_length == 0 || length > URL_LENGTH_MAX ||
        memmem(host, host_length, REQUEST_KEY, strlen(REQUEST_KEY)) != NULL)
        return false;
    for (; *url != '\0'; url++)
        if ((unsigned char)*url <= ' ' || *url == 0x7f)
            return false;
    return true;
}

bool request_method_is_allowed(const char *method)
{
    size_t length = strlen(method);
    return length > 0 && length <= METHOD_LENGTH_MAX && strspn(method, LETTERS) == length;
}

/* The name is a token: RFC 9110, 5.6.2. */
bool request_header_is_allowed(const char *header)
{
    static const char token[] = LETTERS "abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~";
    size_t name_length = strspn(header, token);
    if (name_length == 0 || header[name_length] != ':' || strlen(header) > HEADER_LENGTH_MAX)
        return false;
    for (; *header != '\0'; header++)
        if ((unsigned char)*header < ' ' || *header == 0x7f)
            return false;
    return true;
}
