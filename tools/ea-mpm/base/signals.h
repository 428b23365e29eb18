#ifndef EM_SIGNALS_H
#define EM_SIGNALS_H

/* SIGINT, SIGTERM, SIGHUP and SIGQUIT as a wish that long work looks at
 * between its steps, instead of an end in the middle of one. Handlers rather
 * than a blocked mask: programs that we start must not inherit it. SIGPIPE
 * and what a terminal stops programs with are ignored meanwhile. */

/* From here on signals are noted. May be nested; every call needs its
 * em_signals_release(), the last of which restores what was before. */
void em_signals_catch(void);
void em_signals_release(void);
/* The first signal that came since the outermost em_signals_catch(), or 0. */
int em_signals_caught(void);

#endif /* EM_SIGNALS_H */
