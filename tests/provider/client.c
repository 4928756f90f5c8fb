/* SPDX-License-Identifier: MIT */
#include "client.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "expect.h"

enum { TEXT_BYTES_MAX = 1024 };

int client_connect(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    EXPECT(fd >= 0);
    EXPECT_EQ(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    EXPECT_EQ(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
    return fd;
}

/* The number that begins a header's value; -1: there is no such header. */
static int64_t number_of(const char *text, const char *header)
{
    const char *found = strstr(text, header);
    return found != NULL ? strtoll(found + strlen(header), NULL, 10) : -1;
}

struct client_answer client_ask(int fd, const char *key)
{
    char text[TEXT_BYTES_MAX];
    int sent = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: provider\r\nAuthorization: Bearer %s\r\n\r\n", key);
    EXPECT_EQ(send(fd, text, (size_t)sent, MSG_NOSIGNAL), sent);
    size_t length = 0;
    do {
        ssize_t received = recv(fd, text + length, sizeof(text) - 1 - length, 0);
        EXPECT(received > 0);
        length += (size_t)received;
        text[length] = '\0';
    } while (strstr(text, "\r\n\r\n") == NULL);
    return (struct client_answer){
        .status = (int)number_of(text, "HTTP/1.1 "),
        .left = number_of(text, "x-ratelimit-remaining-requests: "),
        .reset_ms = number_of(text, "x-ratelimit-reset-requests: "),
        .retry_ms = number_of(text, "retry-after-ms: "),
    };
}
