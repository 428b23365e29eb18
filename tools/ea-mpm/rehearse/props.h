#ifndef EM_PROPS_H
#define EM_PROPS_H

/* Properties on the stage: what the tree inside gets before the start. */

#include "rehearse/ask.h"

/* Log files that are opened for appending would be copied into memory whole:
 * large ones become empty ones of the same owner and mode. */
void em_props_empty_logs(const em_facts_t *facts, const em_conf_t *conf,
                         apr_pool_t *p);
/* Write the probe files. One byte for each question: 1 = its file is there.
 */
char *em_props_probe_files(const em_questions_t *questions, apr_pool_t *p);
/* Absolute paths that the server needs, wherever they are mounted: its
 * configuration, state, logs, run and lock directories, document roots
 * (const char *). */
apr_array_header_t *em_props_needed(const em_facts_t *facts,
                                    const em_conf_t *conf, apr_pool_t *p);

#endif /* EM_PROPS_H */
