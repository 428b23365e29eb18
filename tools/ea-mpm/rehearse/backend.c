#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <apr_strings.h>

#include "rehearse/php.h"
#include "service/addr.h"

static int unix_listens(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd, ok;

    if (strlen(path) >= sizeof(sa.sun_path)) {
        return 0;
    }
    strcpy(sa.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ok = fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return ok;
}

/* "127.0.0.1:9000", "[::1]:9000", "localhost:9000". */
static int tcp_listens(const char *backend, apr_pool_t *p)
{
    const char *colon = strrchr(backend, ':');
    em_addr_t *addr;

    return colon && em_addr_of(&addr, apr_pstrmemdup(p, backend, (apr_size_t)
                                                     (colon - backend)),
                               atoi(colon + 1), p) == APR_SUCCESS
           && em_addr_accepts(addr, apr_time_from_sec(2));
}

static int is_in(const char *what, const apr_array_header_t *list)
{
    for (int i = 0; list && i < list->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(list, i, const char *), what) == 0) {
            return 1;
        }
    }
    return 0;
}

const char *em_php_backend_down(const apr_array_header_t *backends,
                                const apr_array_header_t *known,
                                apr_pool_t *p)
{
    for (int i = 0; i < backends->nelts; i++) {
        const char *backend = APR_ARRAY_IDX(backends, i, const char *);

        if (!is_in(backend, known)
            && !(*backend == '/' ? unix_listens(backend)
                                 : tcp_listens(backend, p))) {
            return backend;
        }
    }
    return NULL;
}

const char *em_php_unit(const char *backend, apr_pool_t *p)
{
    const char *name = strrchr(backend, '/');
    apr_size_t n;

    name = name ? name + 1 : "";
    n = strcspn(name, ".");
    while (name[n] == '.' && strncmp(name + n, ".sock", 5) != 0) {
        n += 1 + strcspn(name + n + 1, ".");
    }
    return strncmp(name, "php", 3) == 0 && strstr(name, "fpm")
           ? apr_pstrmemdup(p, name, n) : "php-fpm";
}
