#ifndef MOD_MPM_ITKISH_GATE_H
#define MOD_MPM_ITKISH_GATE_H

/* The authority: whatever the router or the wire said, no request is served
 * by a process that is not its virtual host's user. */

#include "mod_mpm_itkish.h"

/* post_read_request and post_perdir_config hook, before everybody else. */
int itk_gate(request_rec *r);

#endif /* MOD_MPM_ITKISH_GATE_H */
