#ifndef ITK_ZYGOTE_H
#define ITK_ZYGOTE_H

/* A zygote: one process per identity, already that user and nothing else,
 * that forks the warm workers on the broker's word. */

#include <stdint.h>
#include <sys/types.h>

/* A child of the zygote that waits to become its first worker. */
typedef struct itk_first_t {
    pid_t pid;              /* 0: there is none */
    int sock;               /* our end of its pair, closed with first use */
} itk_first_t;

typedef struct itk_zygote_t {
    uint32_t gen;
    uint32_t ident;
    const char *name;
    const itk_first_t *first;   /* or NULL */
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
