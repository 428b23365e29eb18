#include "itk_brood.h"

#include <stdlib.h>
#include <string.h>

static size_t row_size(const itk_brood_t *st)
{
    return (st->area->n_slots + 7) / 8;
}

int itk_known_create(itk_brood_t *st)
{
    st->known = calloc(st->area->n_seats, row_size(st));
    return st->known != NULL;
}

void itk_known_forget_child(itk_brood_t *st, uint32_t c)
{
    memset(st->known + c * row_size(st), 0, row_size(st));
}

void itk_known_forget_worker(itk_brood_t *st, uint32_t slot)
{
    unsigned char *byte = st->known + slot / 8;
    uint32_t c;

    for (c = 0; c < st->area->n_seats; c++, byte += row_size(st)) {
        *byte &= (unsigned char)~(1u << slot % 8);
    }
}

/* Note that C has the pair of SLOT; 0 if it had it before. */
static int learn(itk_brood_t *st, uint32_t c, uint32_t slot)
{
    unsigned char *byte = st->known + c * row_size(st) + slot / 8;
    unsigned bit = 1u << slot % 8;

    if (*byte & bit) {
        return 0;
    }
    *byte |= (unsigned char)bit;
    return 1;
}

void itk_known_learn(itk_brood_t *st, uint32_t c, uint32_t slot)
{
    (void)learn(st, c, slot);
}

uint32_t itk_known_more(itk_brood_t *st, uint32_t c, uint32_t slot,
                        uint32_t *more, uint32_t room)
{
    uint32_t i, n = 0;

    for (i = 0; i < st->area->n_slots && n < room; i++) {
        slot = slot + 1 < st->area->n_slots ? slot + 1 : 0;
        if (st->workers[slot].fd >= 0 && !st->workers[slot].quitting &&
            learn(st, c, slot)) {
            more[n++] = slot;
        }
    }
    return n;
}
