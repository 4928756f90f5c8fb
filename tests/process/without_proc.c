/* SPDX-License-Identifier: MIT */

/*
 * In a root directory of its own, without /proc: a pool is created by way of a temporary file, what cannot be known is
 * not claimed, and a worker that was attached before goes on. Needs root, for chroot(2).
 */

#include <dirent.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "expect.h"
#include "process.h"
#include "segment_name.h"

static char root[] = "/tmp/keyshm-test.XXXXXX";
static const char provider[] = "inside";

static void make_root(void)
{
    EXPECT(mkdtemp(root) != NULL);
    EXPECT_EQ(chdir(root), 0);
    EXPECT_EQ(mkdir("dev", 0755), 0);
    EXPECT_EQ(mkdir("dev/shm", 0700), 0);
}

static void remove_root(void)
{
    EXPECT_EQ(chdir("/"), 0);
    char path[sizeof(root) + 16];
    snprintf(path, sizeof(path), "%s/dev/shm", root);
    EXPECT_EQ(rmdir(path), 0);
    snprintf(path, sizeof(path), "%s/dev", root);
    EXPECT_EQ(rmdir(path), 0);
    EXPECT_EQ(rmdir(root), 0);
}

static void enter_root(void)
{
    EXPECT_EQ(chroot(root), 0);
    EXPECT_EQ(chdir("/"), 0);
}

static int count_files(void)
{
    const struct dirent *entry;
    int count = 0;
    DIR *directory = opendir("/dev/shm");
    EXPECT(directory != NULL);
    while ((entry = readdir(directory)) != NULL)
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

static int make_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    EXPECT(fd >= 0);
    return fd;
}

/* One that a killed maker has left is removed, one that is being made is not. */
static void create_by_a_temporary_file(void)
{
    struct stat status;
    char name[SEGMENT_NAME_SIZE], path[sizeof("/dev/shm") + SEGMENT_NAME_SIZE];
    keyshm_pool *pool, *other;
    int living = make_file("/dev/shm/keyshm-new.1.1");
    EXPECT_EQ(flock(living, LOCK_EX), 0);
    close(make_file("/dev/shm/keyshm-new.1.2"));
    EXPECT_EQ(keyshm_create(&pool, provider, NULL), 0);
    EXPECT_EQ(count_files(), 2);
    EXPECT_EQ(unlink("/dev/shm/keyshm-new.1.1"), 0);
    close(living);
    segment_name_make(name, geteuid(), provider);
    snprintf(path, sizeof(path), "/dev/shm%s", name);
    EXPECT_EQ(stat(path, &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0600);
    EXPECT_EQ(status.st_nlink, 1);
    EXPECT_EQ(keyshm_create(&other, provider, NULL), -EEXIST);
    EXPECT_EQ(count_files(), 1);
    EXPECT_EQ(keyshm_open(&other, provider, NULL), 0);
    EXPECT_EQ(keyshm_is_replaced(other), 0);
    keyshm_close(other);
    keyshm_close(pool);
}

static void change_keys_only_where_that_is_safe(void)
{
    keyshm_pool *pool;
    struct keyshm_pick pick;
    int expected = process_pid_namespace() != 0 ? 0 : -EXDEV;
    EXPECT_EQ(keyshm_attach(&pool, provider), 0);
    EXPECT_EQ(keyshm_add(pool, "key", NULL), expected);
    EXPECT_EQ(keyshm_next(pool, &pick), expected == 0 ? 0 : -ENOKEY);
    keyshm_close(pool);
    EXPECT_EQ(keyshm_unlink(provider), 0);
    EXPECT_EQ(count_files(), 0);
}

/* Of a pool from outside, whose name leads nowhere in here. */
static void see_that_a_pool_of_before_is_gone(keyshm_pool *pool, int destroy_fd, int destroyed_fd)
{
    struct keyshm_worker_list *workers;
    struct keyshm_pick pick;
    char byte;
    EXPECT_EQ(keyshm_is_replaced(pool), 0);
    EXPECT_EQ(keyshm_next(pool, &pick), 0);
    EXPECT_EQ(keyshm_workers(pool, &workers), 0);
    for (size_t i = 0; i < workers->count; i++)
        EXPECT(workers->workers[i].is_alive != 0);
    keyshm_worker_list_free(workers);
    EXPECT_EQ(write(destroy_fd, "", 1), 1);
    EXPECT_EQ(read(destroyed_fd, &byte, 1), 1);
    EXPECT_EQ(keyshm_is_replaced(pool), 1); /* by its descriptor: it has no link left */
    EXPECT_EQ(keyshm_next(pool, &pick), 0);
}

/* What has the number of this process may be another one's. */
static void reap_only_what_is_known_to_be_its_own(keyshm_pool *pool)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    struct keyshm_lease lease;
    bool is_known = process_pid_namespace() != 0;
    request.tokens = 1;
    EXPECT_EQ(keyshm_acquire(pool, &request, &lease), 0);
    EXPECT_EQ(keyshm_reap(pool, getpid()), is_known);
    EXPECT_EQ(keyshm_release(pool, &lease), is_known ? -ESTALE : 0);
}

static void run_inside(keyshm_pool *pool_of_before, int destroy_fd, int destroyed_fd)
{
    enter_root();
    create_by_a_temporary_file();
    change_keys_only_where_that_is_safe();
    reap_only_what_is_known_to_be_its_own(pool_of_before);
    see_that_a_pool_of_before_is_gone(pool_of_before, destroy_fd, destroyed_fd);
    _exit(0);
}

/* A program that has closed all descriptors, and one that has another file on the number. */
static void see_less_without_the_descriptor(void)
{
    keyshm_pool *pool;
    EXPECT_EQ(keyshm_open(&pool, expect_name, NULL), 0);
    pid_t child = expect_fork();
    if (child == 0) {
        for (int fd = 3; fd < 64; fd++)
            close(fd);
        for (int fd = 3; fd < 32; fd++)
            EXPECT_EQ(open("/dev/null", O_RDONLY | O_CLOEXEC), fd);
        EXPECT_EQ(keyshm_is_replaced(pool), 0);
        EXPECT_EQ(keyshm_unlink(expect_name), 0);
        EXPECT_EQ(keyshm_is_replaced(pool), 0); /* it cannot be seen */
        keyshm_pool *other;
        EXPECT_EQ(keyshm_create(&other, expect_name, NULL), 0);
        EXPECT_EQ(keyshm_is_replaced(pool), 1); /* the name leads elsewhere */
        keyshm_close(pool);
        for (int fd = 3; fd < 32; fd++)
            EXPECT(fcntl(fd, F_GETFD) >= 0); /* what is not its own stays open */
        _exit(0);
    }
    expect_success_of(child);
    EXPECT_EQ(keyshm_is_replaced(pool), 1);
    keyshm_close(pool);
    EXPECT_EQ(keyshm_unlink(expect_name), 0);
}

int main(void)
{
    int destroy[2], destroyed[2];
    char byte;
    keyshm_pool *pool;
    expect_pool_name("without-proc");
    see_less_without_the_descriptor();
    if (geteuid() != 0) {
        printf("skipped: needs root, for chroot(2)\n");
        return 77;
    }
    EXPECT_EQ(keyshm_create(&pool, expect_name, NULL), 0);
    EXPECT_EQ(keyshm_add(pool, "key", NULL), 0);
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.tokens = (struct keyshm_rate){.amount = 1000, .per_ms = 1000, .charge = KEYSHM_CHARGE_AT_RELEASE};
    EXPECT_EQ(keyshm_set_limits(pool, 0, 0, &limits), 0);
    EXPECT_EQ(pipe2(destroy, O_CLOEXEC), 0);
    EXPECT_EQ(pipe2(destroyed, O_CLOEXEC), 0);
    make_root();
    pid_t child = expect_fork();
    if (child == 0)
        run_inside(pool, destroy[1], destroyed[0]);
    close(destroy[1]);
    ssize_t asked = read(destroy[0], &byte, 1);
    keyshm_unlink(expect_name);
    EXPECT_EQ(write(destroyed[1], "", 1), 1);
    expect_success_of(child);
    EXPECT_EQ(asked, 1);
    keyshm_close(pool);
    remove_root();
    return 0;
}
