/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <gnu/libc-version.h>
#include <sys/utsname.h>
#include <time.h>

#ifdef __clang__
#define COMPILER __VERSION__
#else
#define COMPILER "GCC " __VERSION__
#endif

static void read_processor(char *ret_name, size_t size)
{
    static const char label[] = "model name";
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "r");
    snprintf(ret_name, size, "unknown processor");
    if (file == NULL)
        return;
    while (fgets(line, sizeof(line), file) != NULL) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, label, sizeof(label) - 1) != 0 || colon == NULL)
            continue;
        line[strcspn(line, "\n")] = '\0';
        snprintf(ret_name, size, "%s", colon + 2);
        break;
    }
    fclose(file);
}

static double load_of_last_minute(void)
{
    double load;
    return getloadavg(&load, 1) == 1 ? load : 0;
}

void report_begin(struct report *report, const struct pace *pace, const char *instructions_path_or_null)
{
    struct utsname system;
    struct tm utc;
    time_t now = time(NULL);
    strftime(report->date, sizeof(report->date), "%Y-%m-%d %H:%M UTC", gmtime_r(&now, &utc));
    read_processor(report->processor, sizeof(report->processor));
    report->processors = sysconf(_SC_NPROCESSORS_ONLN);
    EXPECT_EQ(uname(&system), 0);
    snprintf(report->system, sizeof(report->system), "%.20s %.50s", system.sysname, system.release);
    snprintf(report->libc, sizeof(report->libc), "glibc %.20s", gnu_get_libc_version());
    report->compiler = COMPILER;
    report->load[0] = report->load[1] = load_of_last_minute();
    report->pace = pace;
    report->instructions_path = instructions_path_or_null;
}

void report_end(struct report *report)
{
    report->load[1] = load_of_last_minute();
}

bool report_each_count(const struct report *report, void (*fn)(const char *name, double count, void *user), void *user)
{
    char line[128];
    FILE *file = report->instructions_path != NULL ? fopen(report->instructions_path, "r") : NULL;
    bool found = false;
    if (file == NULL)
        return false;
    while (fgets(line, sizeof(line), file) != NULL) {
        /* "NAME COUNT"; the lines before say what was built, with a colon. */
        char *space = strchr(line, ' ');
        if (space == NULL || space == line || space[-1] == ':')
            continue;
        *space = '\0';
        fn(line, strtod(space + 1, NULL), user);
        found = true;
    }
    fclose(file);
    return found;
}
