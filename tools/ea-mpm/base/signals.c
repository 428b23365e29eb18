#include "base/signals.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>

static const int caught_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
#define N (sizeof(caught_signals) / sizeof(*caught_signals))
/* Ctrl-Z, or a note to a terminal that stops whoever writes in the background
 * (stty tostop), between stop and start would be an outage without an end. */
static const int ignored_signals[] = {SIGPIPE, SIGTSTP, SIGTTIN, SIGTTOU};
#define I (sizeof(ignored_signals) / sizeof(*ignored_signals))

static volatile sig_atomic_t caught;
static int depth;
static struct sigaction before[N], before_ignored[I];

static void note(int signo)
{
    if (!caught) {
        caught = signo;
    }
}

void em_signals_catch(void)
{
    struct sigaction action;

    if (depth++ > 0) {
        return;
    }
    caught = 0;
    memset(&action, 0, sizeof(action));
    sigemptyset(&action.sa_mask);
    action.sa_handler = note;
    for (size_t i = 0; i < N; i++) {
        (void)sigaction(caught_signals[i], NULL, &before[i]);
        /* nohup: what was ignored stays ignored. */
        if (before[i].sa_handler != SIG_IGN) {
            (void)sigaction(caught_signals[i], &action, NULL);
        }
    }
    action.sa_handler = SIG_IGN;
    for (size_t i = 0; i < I; i++) {
        (void)sigaction(ignored_signals[i], &action, &before_ignored[i]);
    }
}

void em_signals_release(void)
{
    if (depth == 0 || --depth > 0) {
        return;
    }
    for (size_t i = 0; i < N; i++) {
        (void)sigaction(caught_signals[i], &before[i], NULL);
    }
    for (size_t i = 0; i < I; i++) {
        (void)sigaction(ignored_signals[i], &before_ignored[i], NULL);
    }
}

int em_signals_caught(void)
{
    return caught;
}
