#ifndef MOD_MPM_ITKISH_LINGER_H
#define MOD_MPM_ITKISH_LINGER_H

/* The end of a worker's connection. httpd says that it will not send any more
 * and then waits for the client to close, so that a client which is still
 * sending does not lose the answer. A client whose last request had no body
 * has nothing left to send: the worker takes its next connection meanwhile
 * and looks after the old one when it has time. */

#include "mod_mpm_itkish.h"

/* Hooks of the same names, which find out whether a body was to be expected. */
void itk_linger_pre_read(request_rec *r, conn_rec *c);
int itk_linger_post_read(request_rec *r);

/* Close C. With PATIENT, or if the client may still be sending, this waits as
 * httpd does. */
void itk_linger_close(conn_rec *c, apr_socket_t *csd, int patient);

/* How many connections wait to be closed. While there are any, have a look
 * every second or so. */
int itk_linger_pending(void);

/* Close what can be closed by now. */
void itk_linger_look(void);

#endif /* MOD_MPM_ITKISH_LINGER_H */
