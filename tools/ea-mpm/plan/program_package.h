#ifndef EM_PROGRAM_PACKAGE_H
#define EM_PROGRAM_PACKAGE_H

/* Where an MPM is a program of its own, the package that brings it. */

#include "plan/draft.h"

/* Put into the draft the transaction that installs the program of the wanted
 * MPM. Where nobody can be asked, nothing happens; a brief plan is `unasked`;
 * one whose package is not to be had is made impossible. */
apr_status_t em_program_package(em_draft_t *draft, em_result_t *res);

#endif /* EM_PROGRAM_PACKAGE_H */
