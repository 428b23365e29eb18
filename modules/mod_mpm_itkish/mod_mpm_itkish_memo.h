#ifndef MOD_MPM_ITKISH_MEMO_H
#define MOD_MPM_ITKISH_MEMO_H

/* Which vhost httpd picked for a plain head (itk_plain.h) with the same Host
 * on the same address before. httpd walks all names of an address for each
 * request; with a thousand vhosts, the router doing the same again would cost
 * more than the rest of it. The configuration never changes in a process, so
 * what httpd picked once holds. */

#include "httpd.h"

#include "itk_plain.h"

/* The vhost picked before; NULL if it was not asked for yet, or if a limit of
 * the default vhost could reject this head. */
server_rec *itk_memo_find(const conn_rec *c, const itk_plain_t *plain);

/* Remember that httpd picked S. */
void itk_memo_keep(const conn_rec *c, const itk_plain_t *plain,
                   server_rec *s);

#endif /* MOD_MPM_ITKISH_MEMO_H */
