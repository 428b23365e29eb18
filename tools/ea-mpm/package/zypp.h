#ifndef EM_ZYPP_H
#define EM_ZYPP_H

/* What zypper answers in XML ("zypper --xmlout"). Pure; any text is fine. */

#include <apr_hash.h>
#include "package/package.h"

/* Is zypper what installs packages in this tree: is it there, with an RPM
 * database and repositories of its own? It is also packaged for systems whose
 * packages are dnf's or dpkg's. */
int em_zypp_is_here(const em_view_t *view, apr_pool_t *p);

/* The transaction that "install" would make or has made, in both lists (an
 * upgraded package only in `install`). NULL: the answer has none. */
em_transaction_t *em_zypp_summary(const char *text, apr_pool_t *p);
/* The files that "download" has brought (const char *), or NULL: the text is
 * no answer. */
apr_array_header_t *em_zypp_files(const char *text, apr_pool_t *p);
/* The newest version of each package that "search -s" found: name ->
 * version, into VERSIONS. */
void em_zypp_versions(apr_hash_t *versions, const char *text, apr_pool_t *p);
/* What it says to people: errors, warnings and questions; "" for none. */
const char *em_zypp_words(const char *text, apr_pool_t *p);

#endif /* EM_ZYPP_H */
