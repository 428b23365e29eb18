#ifndef ITK_LOG_H
#define ITK_LOG_H

/* How the itk_* files say something in the error log: the httpd side sets
 * one function before it forks. Messages start with a stable id ("itk-..."). */

typedef enum {
    ITK_LOG_ERR,
    ITK_LOG_WARN,
    ITK_LOG_INFO,
    ITK_LOG_DEBUG
} itk_log_level_t;

/* STATUS is an apr_status_t to be put into words, 0 for none. */
typedef void itk_log_fn_t(itk_log_level_t level, int status, const char *text);

void itk_log_to(itk_log_fn_t *fn);

void itk_log(itk_log_level_t level, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif /* ITK_LOG_H */
