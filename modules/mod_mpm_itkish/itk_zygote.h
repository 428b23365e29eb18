#ifndef ITK_ZYGOTE_H
#define ITK_ZYGOTE_H

/* A zygote: one process per identity that needs several workers at once,
 * already that user and nothing else, that forks them on the broker's word. */

#include <stdint.h>

typedef struct itk_zygote_t {
    uint32_t gen;
    uint32_t ident;
    const char *name;
    void *baton;
    /* Become worker SLOT/SERIAL; SOCK is its pair. SIGUSR1, which means to
     * finish and leave, is blocked until it lets it through. Does not
     * return. */
    void (*worker)(void *baton, uint32_t ident, uint32_t slot,
                   uint32_t serial, int sock);
} itk_zygote_t;

/* Serve the broker on SOCK until it goes away or says drain, then until the
 * last worker has left. Returns the exit code. */
int itk_zygote_run(const itk_zygote_t *z, int sock);

#endif /* ITK_ZYGOTE_H */
