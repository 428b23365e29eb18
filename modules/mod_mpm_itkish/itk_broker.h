#ifndef ITK_BROKER_H
#define ITK_BROKER_H

/* The broker: gives idle workers to the prefork children that ask, has new
 * ones started, ends those that idle too long or do not move. */

#include "itk_area.h"
#include "itk_policy.h"

typedef struct itk_broker_t {
    const itk_policy_t *policy;
    itk_area_t *area;
    int common;             /* children introduce themselves here */
    int life;               /* end of file: this generation is to end */
    int spawner;
    int error_log;          /* another descriptor to keep, or -1 */
    int keep_all;           /* the log goes who knows where (syslog) */
    const char *label;      /* completes the title */
} itk_broker_t;

/* Limit this process, then serve until this generation is over. Returns the
 * exit code: 0 when nobody is left to serve, anything else means that the
 * spawner should start another broker. */
int itk_broker_run(const itk_broker_t *setup);

#endif /* ITK_BROKER_H */
