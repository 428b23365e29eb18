#include "itk_title.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *room;
static size_t room_size;
static int moved;

/* Where the kernel put them: arg_start, arg_end, env_start and env_end are
 * fields 48 to 51 of /proc/self/stat. httpd's own argv is partly a copy. */
static int read_layout(unsigned long at[4])
{
    char buf[2048];
    const char *field;
    FILE *f = fopen("/proc/self/stat", "re");
    size_t n;
    int i;

    if (!f) {
        return -1;
    }
    n = fread(buf, 1, sizeof(buf) - 1, f);
    (void)fclose(f);
    buf[n] = '\0';
    field = strrchr(buf, ')');
    for (i = 2; field && i < 48; i++) {
        field = strchr(field + 1, ' ');
    }
    return field && sscanf(field, "%lu %lu %lu %lu", &at[0], &at[1], &at[2],
                           &at[3]) == 4 ? 0 : -1;
}

void itk_title_init(void)
{
    unsigned long at[4];

    if (room || read_layout(at) != 0 || at[0] == 0 || at[1] <= at[0]) {
        return;
    }
    room = (char *)at[0];
    room_size = at[1] - at[0];
    if (at[2] == at[1] && at[3] > at[2]) {
        room_size = at[3] - at[0];
    }
}

static int move_environment(void)
{
    char **copy;
    size_t n = 0;
    size_t i;

    while (environ && environ[n]) {
        n++;
    }
    copy = calloc(n + 1, sizeof(char *));
    if (!copy) {
        return -1;
    }
    for (i = 0; i < n; i++) {
        copy[i] = strdup(environ[i]);
        if (!copy[i]) {
            return -1;          /* nothing was changed yet but the heap */
        }
    }
    environ = copy;
    return 0;
}

void itk_title_set(const char *fmt, ...)
{
    va_list ap;
    int n;

    if (room_size < 2) {
        return;
    }
    if (!moved) {
        if (move_environment() != 0) {
            return;
        }
        moved = 1;
    }
    va_start(ap, fmt);
    n = vsnprintf(room, room_size, fmt, ap);
    va_end(ap);
    if (n < 0) {
        return;
    }
    if ((size_t)n < room_size) {
        memset(room + n, 0, room_size - (size_t)n);
    }
}
