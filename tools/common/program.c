/* SPDX-License-Identifier: MIT */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keyshm.h"

/* Replace each closed standard stream by one that fails every read or write. Otherwise the next file to be opened gets
 * its number, and a message would be written into a pool. */
static void replace_closed_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            _exit(EXIT_REFUSED);
}

/* The library ignores what it does not know. */
static void warn_of_log_level(void)
{
    static const char *const levels[] = {"error", "warning", "info", "debug"};
    const char *wanted = secure_getenv("KEYSHM_LOG");
    for (size_t i = 0; wanted != NULL && i < sizeof(levels) / sizeof(levels[0]); i++)
        if (strcmp(wanted, levels[i]) == 0)
            return;
    if (wanted != NULL && wanted[0] != '\0')
        complain("KEYSHM_LOG must be error, warning, info or debug; it is ignored");
}

void program_begin(void)
{
    replace_closed_streams();
    program_outlive_reader(); /* not to end in the middle of a change */
    warn_of_log_level();
    setlocale(LC_ALL, "");
}

void program_outlive_reader(void)
{
    signal(SIGPIPE, SIG_IGN);
}

void program_end_with_reader(void)
{
    signal(SIGPIPE, SIG_DFL);
}

enum exit_status program_end(enum exit_status status)
{
    bool failed_before = ferror(stdout) != 0;
    enum exit_status ended = EXIT_FINE;
    if (fclose(stdout) != 0)
        ended = refuse("cannot write the output: %s", system_error(errno));
    else if (failed_before)
        ended = refuse("cannot write all of the output");
    return status != EXIT_FINE ? status : ended;
}

__attribute__((format(printf, 1, 0))) static void complain_with(const char *format, va_list arguments)
{
    char message[1024];
    vsnprintf(message, sizeof(message), format, arguments);
    fprintf(stderr, "%s: %s\n", program_invocation_short_name, message);
}

void complain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    complain_with(format, arguments);
    va_end(arguments);
}

enum exit_status refuse(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    complain_with(format, arguments);
    va_end(arguments);
    return EXIT_REFUSED;
}

enum exit_status refuse_option(int returned, char *const *argv, const char *letters)
{
    const char *problem = returned == ':' ? "needs a value" : "is not an option, or takes no value";
    const char *word = argv[optind - 1];
    /* If the letter is known and its value is not missing, it is from a long option that was given a value. */
    bool is_letter =
        returned == ':' ? strncmp(word, "--", 2) != 0 : optopt > ' ' && optopt <= '~' && strchr(letters, optopt) == NULL;
    if (is_letter)
        complain("-%c %s", optopt, problem);
    else
        complain("%.*s %s", (int)strspn(word, "-abcdefghijklmnopqrstuvwxyz"), word, problem);
    return point_to_help();
}

enum exit_status point_to_help(void)
{
    fprintf(stderr, "See: %s --help\n", program_invocation_short_name);
    return EXIT_REFUSED;
}

#define LOWER_CASE "abcdefghijklmnopqrstuvwxyz"
#define WORD_LENGTH_MAX 16
#define NUMBER_LENGTH_MAX 20
#define SHORT_LENGTH_MAX 4 /* "1e3" */

static bool is_word_or_number(const char *text, size_t length)
{
    return (length <= WORD_LENGTH_MAX && strspn(text, LOWER_CASE "-_") >= length) ||
           (length <= NUMBER_LENGTH_MAX && strspn(text, "0123456789.+-*TZ") >= length);
}

bool program_may_show(const char *word)
{
    size_t length = strlen(word);
    if (length <= SHORT_LENGTH_MAX)
        return length > 0 && strspn(word, LOWER_CASE "0123456789.,:=+-_*") == length;
    for (;; word++) {
        length = strcspn(word, ",:=");
        if (!is_word_or_number(word, length))
            return false;
        word += length;
        if (*word == '\0')
            return true;
    }
}

enum exit_status refuse_value(const char *command, const char *name, const char *rule, const char *value)
{
    bool is_shown = *value == '\0' || program_may_show(value);
    return refuse("%s%s%s must be %s%s%s%s", command, *command != '\0' ? ": " : "", name, rule,
                  is_shown ? ", not \"" : "", is_shown ? value : "", is_shown ? "\"" : "");
}

void print_version(void)
{
    printf("%s (keyshm) %d.%d.%d\n", program_invocation_short_name, KEYSHM_VERSION_MAJOR, KEYSHM_VERSION_MINOR,
           KEYSHM_VERSION_PATCH);
}

const char *system_error(int error)
{
#if defined(__GLIBC__) && !__GLIBC_PREREQ(2, 32)
    const char *text = strerror(error);
#else
    const char *text = strerrordesc_np(error);
#endif
    return text != NULL ? text : "unknown error";
}
