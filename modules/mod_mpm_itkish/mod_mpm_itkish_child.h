#ifndef MOD_MPM_ITKISH_CHILD_H
#define MOD_MPM_ITKISH_CHILD_H

/* The prefork child: decide whose connection it is and hand it over. */

#include "mod_mpm_itkish.h"
#include "http_connection.h"

/* pre_connection hook, before everybody else. */
int itk_child_pre_connection(conn_rec *c, void *csd);

/* child_init hook: this process is a prefork child now. Ends it if it is
 * still root although it should not be. */
void itk_child_init(apr_pool_t *pchild, server_rec *s);

/* Why connection C, served by this child itself, must be answered 503: a
 * reason of itk_wire.h, or ITK_DENY_NONE if it need not. */
int itk_child_refuses(conn_rec *c);

#endif /* MOD_MPM_ITKISH_CHILD_H */
