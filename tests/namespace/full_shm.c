/* SPDX-License-Identifier: MIT */

/*
 * A full shared-memory file system: a pool that does not fit is -ENOSPC when it is created, leaves nothing behind, and
 * never becomes a SIGBUS; a pool that is there goes on working. In a mount namespace of our own, with a small tmpfs in
 * the place of /dev/shm.
 */

#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#include "expect.h"
#include "sandbox.h"

#define SHM "/dev/shm"

static void enter_namespace(void)
{
    sandbox_enter(CLONE_NEWNS);
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", SHM, "tmpfs", MS_NOSUID | MS_NODEV, "size=640k,mode=1777") != 0)
        sandbox_skip("mount(2)");
}

static fsblkcnt_t free_blocks(void)
{
    struct statvfs status;
    EXPECT(statvfs(SHM, &status) == 0);
    return status.f_bfree;
}

static int create(keyshm_pool **ret_pool, const char *name, unsigned capacity)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    options.capacity = capacity;
    return keyshm_create(ret_pool, name, &options);
}

static void use(keyshm_pool *pool, unsigned capacity)
{
    struct keyshm_pick pick;
    char key[32];
    for (unsigned i = 0; i < capacity; i++) {
        snprintf(key, sizeof(key), "key number %u", i);
        EXPECT(keyshm_add(pool, key, NULL) == 0);
    }
    for (unsigned i = 0; i < capacity; i++) {
        EXPECT(keyshm_next(pool, &pick) == 0);
        EXPECT(keyshm_mark_rate_limited(pool, pick.id, 60000) == 0);
    }
}

int main(void)
{
    keyshm_pool *pool, *other;
    enter_namespace();
    fsblkcnt_t before = free_blocks();

    EXPECT(create(&pool, "too-large", 1024) == -ENOSPC);
    EXPECT(keyshm_attach(&other, "too-large") == -ENOENT);
    EXPECT(free_blocks() == before);

    EXPECT(create(&pool, "fits", 128) == 0);
    EXPECT(create(&other, "no-longer", 200) == -ENOSPC);
    EXPECT(keyshm_attach(&other, "no-longer") == -ENOENT);

    /* Not one byte left: every page of the pool was reserved when it was created. */
    int fd = open(SHM "/ballast", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    char page[4096] = {0};
    while (write(fd, page, sizeof(page)) > 0)
        continue;
    EXPECT(errno == ENOSPC && free_blocks() == 0);
    use(pool, 128);

    close(fd);
    keyshm_close(pool);
    EXPECT(keyshm_unlink("fits") == 0 && unlink(SHM "/ballast") == 0);
    EXPECT(free_blocks() == before);
    return 0;
}
