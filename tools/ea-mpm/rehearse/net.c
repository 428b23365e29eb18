#include "rehearse/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int loopback_up(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq ifr;
    int error = 0;

    memset(&ifr, 0, sizeof(ifr));
    memcpy(ifr.ifr_name, "lo", 3);
    if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &ifr) != 0) {
        error = errno;
    }
    else {
        ifr.ifr_flags |= IFF_UP | IFF_RUNNING;
        error = ioctl(fd, SIOCSIFFLAGS, &ifr) == 0 ? 0 : errno;
    }
    if (fd >= 0) {
        close(fd);
    }
    return error;
}

/* The numeric address in TEXT, brackets or not. Its length, 0: none. */
static int parse(const char *text, int *pfamily, unsigned char *bytes)
{
    char bare[64];
    size_t n = strlen(text);

    if (n >= sizeof(bare)) {
        return 0;
    }
    strcpy(bare, text);
    if (*text == '[' && text[n - 1] == ']') {
        memcpy(bare, text + 1, n - 2);
        bare[n - 2] = '\0';
    }
    *pfamily = AF_INET;
    if (inet_pton(AF_INET, bare, bytes) == 1) {
        return 4;
    }
    *pfamily = AF_INET6;
    return inet_pton(AF_INET6, bare, bytes) == 1 ? 16 : 0;
}

/* RTM_NEWADDR; duplicate address detection would keep an IPv6 address from
 * being bound for a second. Failures show when the server binds. */
static void add_address(int fd, const char *text)
{
    struct {
        struct nlmsghdr header;
        struct ifaddrmsg message;
        char attributes[64];
    } request;
    unsigned char bytes[16];
    struct rtattr *attribute;
    int family, n = parse(text, &family, bytes);
    char reply[512];

    if (n == 0) {
        return;
    }
    memset(&request, 0, sizeof(request));
    request.header.nlmsg_type = RTM_NEWADDR;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK;
    request.message.ifa_family = (unsigned char)family;
    request.message.ifa_prefixlen = (unsigned char)(n * 8);
    request.message.ifa_flags = IFA_F_NODAD;
    request.message.ifa_index = if_nametoindex("lo");
    request.header.nlmsg_len = NLMSG_LENGTH(sizeof(request.message));
    attribute = (struct rtattr *)((char *)&request
                                  + NLMSG_ALIGN(request.header.nlmsg_len));
    attribute->rta_type = IFA_LOCAL;
    attribute->rta_len = (unsigned short)RTA_LENGTH(n);
    memcpy(RTA_DATA(attribute), bytes, (size_t)n);
    request.header.nlmsg_len = NLMSG_ALIGN(request.header.nlmsg_len)
                               + (unsigned)RTA_LENGTH(n);
    if (send(fd, &request, request.header.nlmsg_len, 0) > 0) {
        (void)recv(fd, reply, sizeof(reply), 0);
    }
}

int em_net_up(const apr_array_header_t *addresses)
{
    int error = loopback_up(), fd;

    if (error) {
        return error;
    }
    fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0) {
        return errno;
    }
    for (int i = 0; addresses && i < addresses->nelts; i++) {
        const char *address = APR_ARRAY_IDX(addresses, i, const char *);

        if (strcmp(address, "0.0.0.0") != 0 && strcmp(address, "[::]") != 0) {
            add_address(fd, address);
        }
    }
    close(fd);
    return 0;
}
