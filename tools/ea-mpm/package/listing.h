#ifndef EM_LISTING_H
#define EM_LISTING_H

/* Text that rpm and dnf print. Pure; any text is fine. */

#include <apr_hash.h>
#include "package/package.h"

/* Packages in our query format: "P<tab>NAME<tab>EPOCH:VERSION-RELEASE<tab>
 * ARCH", then lines "p", "r" and "c" with a tab and a capability that it
 * provides, requires or conflicts with; lines that follow without a letter
 * go on with the one before. em_package_t *. */
apr_array_header_t *em_listing_packages(const char *text, int installed,
                                        apr_pool_t *p);
/* "1:2.4-1" of the epoch's text ("1", "0", "(none)") and the rest. */
const char *em_listing_version(const char *epoch, const char *rest,
                               apr_pool_t *p);
/* The table of a transaction as dnf and yum print it, in both lists (an
 * upgraded package only in `install`). NULL: TEXT has no such table. */
em_transaction_t *em_listing_table(const char *text, apr_pool_t *p);

#endif /* EM_LISTING_H */
