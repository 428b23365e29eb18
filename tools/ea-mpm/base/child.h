#ifndef EM_CHILD_H
#define EM_CHILD_H

/* What the two ways to run a program (exec.h, steady.h) share between fork and
 * exec: the parent hears of a failed exec through a pipe. */

/* In the child: close all descriptors above LAST. */
void em_child_close_above(int last);
/* In the child: no signal is blocked, and none ignored that we ignore
 * (signals.h). */
void em_child_signals(void);
/* In the child: execute ARGV (looked up in PATH) with ENV (NULL: inherited).
 * Comes back only where that fails, with errno. */
void em_child_exec(const char *const *argv, const char *const *env);
/* In the child: tell the parent errno through REPORT, and end. */
void em_child_fail(int report) __attribute__((noreturn));
/* In the parent: the errno that the child reports through FD, 0 when exec
 * succeeded. */
int em_child_await(int fd);

#endif /* EM_CHILD_H */
