/* What a vhost's user can try to become somebody else or to look into other
 * processes. Built twice: as a CGI program (arguments in QUERY_STRING) and as
 * a library that PHP loads by FFI, so that the same calls are made by the
 * worker process itself.
 *
 * Arguments: victim=UID&pids=PID,PID...&signals=PID,PID...&files=PATH,PATH...
 * Output: one line per attempt, "NAME 1" when it succeeded and "NAME 0" when
 * the kernel said no. A success is undone only as far as the tests need. */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
    char *text;
    size_t size;
    size_t used;
} out_t;

static void note(out_t *out, int succeeded, const char *format, ...)
{
    char name[256];
    va_list args;
    int n;

    va_start(args, format);
    vsnprintf(name, sizeof(name), format, args);
    va_end(args);
    n = snprintf(out->text + out->used, out->size - out->used, "%s %d\n",
                 name, succeeded ? 1 : 0);
    if (n > 0 && (size_t)n < out->size - out->used) {
        out->used += (size_t)n;
    }
}

/* The value of KEY in the argument string, copied to BUF. */
static const char *argument(const char *args, const char *key, char *buf,
                            size_t size)
{
    size_t len = strlen(key);
    const char *at = args;

    buf[0] = '\0';
    while (at && *at) {
        if (!strncmp(at, key, len) && at[len] == '=') {
            size_t n = strcspn(at + len + 1, "&");
            if (n >= size) {
                n = size - 1;
            }
            memcpy(buf, at + len + 1, n);
            buf[n] = '\0';
            break;
        }
        at = strchr(at, '&');
        if (at) {
            at++;
        }
    }
    return buf;
}

static void climb(out_t *out, uid_t victim)
{
    struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct all[2], none[2];
    gid_t groups[2] = { 0, victim };

    /* The raw calls: glibc's wrappers would ask all threads. */
    note(out, !syscall(SYS_setuid, 0), "setuid(0)");
    note(out, !syscall(SYS_setuid, victim), "setuid(victim)");
    note(out, !syscall(SYS_setreuid, victim, victim), "setreuid(victim)");
    note(out, !syscall(SYS_setresuid, 0, 0, 0), "setresuid(0)");
    note(out, !syscall(SYS_setresuid, -1, victim, -1), "setresuid(victim)");
    note(out, !syscall(SYS_setresuid, -1, 0, -1), "setresuid(-1,0,-1)");
    setfsuid(0);
    note(out, setfsuid((uid_t)-1) == 0, "setfsuid(0)");
    setfsuid(victim);
    note(out, setfsuid((uid_t)-1) == (int)victim, "setfsuid(victim)");
    note(out, !syscall(SYS_setgid, 0), "setgid(0)");
    note(out, !syscall(SYS_setgid, victim), "setgid(victim)");
    note(out, !syscall(SYS_setresgid, victim, victim, victim),
         "setresgid(victim)");
    note(out, !syscall(SYS_setresgid, 0, 0, 0), "setresgid(0)");
    note(out, !syscall(SYS_setgroups, 2, groups), "setgroups(0,victim)");
    note(out, !syscall(SYS_setgroups, 0, NULL), "setgroups()");
    memset(all, 0xff, sizeof(all));
    memset(none, 0, sizeof(none));
    note(out, !syscall(SYS_capset, &head, all), "capset(all)");
    memset(all, 0, sizeof(all));
    all[0].effective = all[0].permitted = 1u << CAP_SETUID;
    note(out, !syscall(SYS_capset, &head, all), "capset(setuid)");
    note(out, !prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SETUID, 0, 0),
         "ambient(setuid)");
    note(out, !prctl(PR_SET_SECUREBITS, 0x2f), "securebits");
    note(out, !chroot("/"), "chroot");
    errno = 0;
    note(out, !setpriority(PRIO_PROCESS, 0, -20), "setpriority(-20)");
}

static void look_into(out_t *out, pid_t pid)
{
    static const char *const views[] = { "mem", "environ", "maps", "syscall" };
    char path[64], byte;
    struct iovec local = { &byte, 1 }, remote = { &byte, 1 };
    size_t i;
    int fd;

    if (pid == getpid()) {
        return;             /* everybody may look into himself */
    }
    if (!ptrace(PTRACE_SEIZE, pid, NULL, NULL)) {
        note(out, 1, "ptrace(%d)", (int)pid);
        ptrace(PTRACE_DETACH, pid, NULL, NULL);
    }
    else {
        note(out, 0, "ptrace(%d)", (int)pid);
    }
    for (i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
        snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, views[i]);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        note(out, fd >= 0, "open(%s)", path);
        if (fd >= 0) {
            close(fd);
        }
    }
    snprintf(path, sizeof(path), "/proc/%d/fd/0", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    note(out, fd >= 0, "open(%s)", path);
    if (fd >= 0) {
        close(fd);
    }
    errno = 0;
    note(out, process_vm_readv(pid, &local, 1, &remote, 1, 0) >= 0
              || errno == EFAULT, "process_vm_readv(%d)", (int)pid);
#ifdef SYS_pidfd_getfd
    fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd >= 0) {
        int got = (int)syscall(SYS_pidfd_getfd, fd, 0, 0);
        note(out, got >= 0, "pidfd_getfd(%d)", (int)pid);
        if (got >= 0) {
            close(got);
        }
        close(fd);
    }
#endif
}

static void each_pid(out_t *out, char *list,
                     void (*act)(out_t *out, pid_t pid))
{
    char *save, *one;

    for (one = strtok_r(list, ",", &save); one;
         one = strtok_r(NULL, ",", &save)) {
        act(out, (pid_t)atoi(one));
    }
}

static void send_signal(out_t *out, pid_t pid)
{
    note(out, !kill(pid, 0), "kill(%d)", (int)pid);
}

static void read_file(out_t *out, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char byte;

    note(out, fd >= 0 && read(fd, &byte, 1) == 1, "read(%s)", path);
    if (fd >= 0) {
        close(fd);
    }
}

/* Try everything; the report goes to TEXT. Returns its length. */
int attack(const char *args, char *text, int size);

int attack(const char *args, char *text, int size)
{
    out_t out = { text, (size_t)size, 0 };
    char list[2048], *save, *one;
    uid_t victim;

    victim = (uid_t)strtoul(argument(args, "victim", list, sizeof(list)),
                            NULL, 10);
    argument(args, "files", list, sizeof(list));
    for (one = strtok_r(list, ",", &save); one;
         one = strtok_r(NULL, ",", &save)) {
        read_file(&out, one);
    }
    argument(args, "signals", list, sizeof(list));
    each_pid(&out, list, send_signal);
    argument(args, "pids", list, sizeof(list));
    each_pid(&out, list, look_into);
    climb(&out, victim);
    return (int)out.used;
}

int main(void)
{
    static char text[65536];
    const char *args = getenv("QUERY_STRING");

    attack(args ? args : "", text, sizeof(text));
    printf("Content-Type: text/plain\r\n\r\n%sdone 0\n", text);
    return 0;
}
