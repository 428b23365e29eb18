#ifndef ITK_SANDBOX_H
#define ITK_SANDBOX_H

/* What a role gives away before it reads its first message. */

#include <apr_errno.h>

/* Keep exactly the capabilities CAPS (N of them, permitted and effective),
 * nothing inheritable, and prove it. The bounding set stays: zygotes and
 * workers inherit it, and a vhost's scripts may call set-id programs such as
 * sendmail. APR_EMISMATCH: one of CAPS is not there to keep. */
apr_status_t itk_caps_keep(const int *caps, int n);

/* For a role that starts nothing: no capability, no new privileges, not
 * dumpable; an empty bounding set too where the kernel lets us, which takes
 * CAP_SETPCAP and makes no difference to a process that cannot exec. */
apr_status_t itk_caps_none(void);

/* The broker's system calls: messages, descriptors, clock, log lines. It
 * cannot open, execute, fork, signal, connect or change ids; what is not
 * listed fails with EPERM. Needs no_new_privs or CAP_SYS_ADMIN. */
apr_status_t itk_seccomp_broker(void);

/* Close every descriptor but 0, 1, 2 and KEEP (N of them, any order). */
void itk_close_others(const int *keep, int n);

/* Close the pipes of which this process holds both ends, the reading end
 * non-blocking and the writing end not, both close-on-exec: prefork's pipes
 * of death, with which a worker could end idle children. */
void itk_close_pods(void);

#endif /* ITK_SANDBOX_H */
