#include "itk_heap.h"

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#define LARGEST     (96 * 1024) /* not yet a mapping of its own */
#define EXACT       1040        /* up to here glibc keeps a list per size */
#define ENOUGH      (8 << 20)   /* bytes; it may not be glibc's heap at all */

/* Allocate SIZE until it comes from above LIMIT; what is freed would be the
 * next hole. */
static void fill(size_t size, uintptr_t limit, size_t *pleft)
{
    void *p = NULL;

    while (*pleft >= size && (uintptr_t)p < limit) {
        p = malloc(size);
        if (!p) {
            return;
        }
        *pleft -= size;
    }
}

void itk_heap_settle(void)
{
    void *above = malloc(LARGEST);  /* kept: it would be a hole, too */
    size_t left = ENOUGH;
    size_t size;

    tzset();
    for (size = LARGEST; size > EXACT; size -= size / 8) {
        fill(size, (uintptr_t)above, &left);
    }
    for (; size >= 24; size -= 16) {
        fill(size, (uintptr_t)above, &left);
    }
}
