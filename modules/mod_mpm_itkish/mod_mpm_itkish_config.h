#ifndef MOD_MPM_ITKISH_CONFIG_H
#define MOD_MPM_ITKISH_CONFIG_H

/* The directives, and the table of identities made of them. */

#include "mod_mpm_itkish.h"

extern const command_rec itk_commands[];

void *itk_dconf_create(apr_pool_t *p, char *dir);
void *itk_dconf_merge(apr_pool_t *p, void *base, void *add);
void *itk_sconf_create(apr_pool_t *p, server_rec *s);
void *itk_sconf_merge(apr_pool_t *p, void *base, void *add);


/* Make the identity table of all servers from MAIN on, number them, and set
 * each server's index. *PPOLICY becomes NULL if no server has an identity or
 * a MaxClientsVHost. An identity that the limits do not allow is logged with
 * file and line and is APR_EINVAL. Lives in P. WITH_GROUPS resolves the
 * users' supplementary groups, which may ask a directory server: only for a
 * table that is to be used, and in the parent only. */
apr_status_t itk_config_freeze(itk_policy_t **ppolicy, server_rec *main,
                               int with_groups, apr_pool_t *p);

/* 1 if some virtual host has a user of its own. */
int itk_config_has_identities(const itk_policy_t *policy);

/* Number of servers, virtual or main. */
apr_uint32_t itk_config_count_servers(const server_rec *main);

#endif /* MOD_MPM_ITKISH_CONFIG_H */
