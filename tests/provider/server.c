/* SPDX-License-Identifier: MIT */
#include "server.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#include "expect.h"

enum { REQUEST_BYTES_MAX = 1024 };

/* What has come of a request. */
struct connection {
    size_t length;
    char text[REQUEST_BYTES_MAX];
};

/* Of the server's process. */
static struct rule rule;
static struct server_tally *tally;
static struct rule_account accounts[SERVER_KEYS_MAX];
static struct pollfd polled[1 + SERVER_CONNECTIONS_MAX]; /* the first one listens */
static struct connection connections[1 + SERVER_CONNECTIONS_MAX];
static nfds_t polled_count;

int64_t server_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void server_key(unsigned number, char ret_key[SERVER_KEY_SIZE])
{
    snprintf(ret_key, SERVER_KEY_SIZE, "sk-provider-is-no-real-key-%02u", number);
}

/* ---- a request ---- */

static struct rule_account *find_account(const char *request)
{
    static const char header[] = "Authorization: Bearer ";
    const char *found = strstr(request, header);
    EXPECT(found != NULL);
    for (unsigned i = 0; i < SERVER_KEYS_MAX; i++) {
        char key[SERVER_KEY_SIZE];
        server_key(i, key);
        if (strncmp(found + sizeof(header) - 1, key, strlen(key)) == 0)
            return &accounts[i];
    }
    EXPECT(!"a key of this server");
    return NULL;
}

static void count(const struct rule_answer *answer, int64_t now_ns)
{
    if (atomic_load(&tally->first_ns) == 0)
        atomic_store(&tally->first_ns, now_ns);
    atomic_store(&tally->last_ns, now_ns);
    atomic_fetch_add(answer->is_refused ? &tally->refused : &tally->answered, 1);
}

static void send_answer(int fd, const struct rule_answer *answer)
{
    char text[512];
    int length = snprintf(text, sizeof(text), "HTTP/1.1 %s\r\nContent-Length: 0\r\n",
                          answer->is_refused ? "429 Too Many Requests" : "200 OK");
    if (!rule.is_silent)
        length += snprintf(text + length, sizeof(text) - (size_t)length,
                           "x-ratelimit-remaining-requests: %u\r\nx-ratelimit-reset-requests: %lldms\r\n", answer->left,
                           (long long)answer->reset_ms);
    if (!rule.is_silent && answer->is_refused)
        length += snprintf(text + length, sizeof(text) - (size_t)length, "retry-after-ms: %lld\r\n",
                           (long long)answer->retry_ms);
    length += snprintf(text + length, sizeof(text) - (size_t)length, "\r\n");
    (void)!send(fd, text, (size_t)length, MSG_NOSIGNAL); /* whoever asked may have been killed */
}

static void serve(int fd, struct connection *connection)
{
    int64_t now_ns = server_now_ns();
    struct rule_answer answer = rule_ask(&rule, find_account(connection->text), now_ns);
    count(&answer, now_ns);
    send_answer(fd, &answer);
    connection->length = 0;
}

/* False: the other end has gone. */
static bool receive(int fd, struct connection *connection)
{
    ssize_t length = recv(fd, connection->text + connection->length, REQUEST_BYTES_MAX - 1 - connection->length, 0);
    if (length <= 0)
        return false;
    connection->length += (size_t)length;
    connection->text[connection->length] = '\0';
    if (strstr(connection->text, "\r\n\r\n") != NULL)
        serve(fd, connection);
    return connection->length < REQUEST_BYTES_MAX - 1;
}

/* ---- the connections ---- */

static void set_no_delay(int fd)
{
    int on = 1;
    EXPECT_EQ(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
}

static void add_connection(void)
{
    int fd = accept4(polled[0].fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    EXPECT(polled_count <= SERVER_CONNECTIONS_MAX);
    set_no_delay(fd);
    connections[polled_count].length = 0;
    polled[polled_count++] = (struct pollfd){.fd = fd, .events = POLLIN};
}

static void remove_connection(nfds_t i)
{
    close(polled[i].fd);
    polled[i] = polled[--polled_count];
    connections[i] = connections[polled_count];
}

static _Noreturn void be_server(int listening_fd)
{
    polled[polled_count++] = (struct pollfd){.fd = listening_fd, .events = POLLIN};
    for (;;) {
        EXPECT(poll(polled, polled_count, -1) > 0);
        for (nfds_t i = polled_count; i-- > 1;)
            if (polled[i].revents != 0 && !receive(polled[i].fd, &connections[i]))
                remove_connection(i);
        if (polled[0].revents != 0)
            add_connection();
    }
}

/* ---- starting ---- */

static int listen_anywhere(uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT(fd >= 0);
    EXPECT_EQ(bind(fd, (struct sockaddr *)&address, size), 0);
    EXPECT_EQ(listen(fd, SERVER_CONNECTIONS_MAX), 0);
    EXPECT_EQ(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

struct server server_start(const struct rule *new_rule)
{
    struct server server = {.tally = expect_shared_memory(sizeof(*server.tally))};
    int fd = listen_anywhere(&server.port);
    server.pid = expect_fork();
    if (server.pid == 0) {
        rule = *new_rule;
        tally = server.tally;
        be_server(fd);
    }
    close(fd);
    return server;
}

void server_stop(struct server *server)
{
    expect_kill(server->pid);
    munmap(server->tally, sizeof(*server->tally));
}
