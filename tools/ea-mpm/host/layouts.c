#include "host/layout.h"

/* One row a layout, the particular before the general. Where the paths come
 * from: the distributions' packages and documentation, see docs/layouts.md. */

static const em_layout_row_t rows[] = {
    {
        .layout = {
            .id = "ea4", .title = "cPanel EasyApache 4",
            .mechanism = EM_MECH_PACKAGES,
            .binary = "/usr/sbin/httpd", .server_root = "/etc/apache2",
            .config_file = "/etc/apache2/conf/httpd.conf",
            .modules_dir = "/usr/lib64/apache2/modules",
            .ctl = "/usr/sbin/apachectl", .units = "httpd.service",
            .sysconfig = "/etc/sysconfig/httpd",
            .mpm_packages = "prefork=ea-apache24-mod_mpm_prefork "
                            "worker=ea-apache24-mod_mpm_worker "
                            "event=ea-apache24-mod_mpm_event "
                            "itk=ea-apache24-mod_mpm_itk",
        },
        .evidence = "/etc/cpanel/ea4/paths.conf",
    },
    {
        .layout = {
            .id = "docker-php", .title = "official php:apache image",
            .mechanism = EM_MECH_LINKS,
            .binary = "/usr/sbin/apache2", .server_root = "/etc/apache2",
            .config_file = "/etc/apache2/apache2.conf",
            .modules_dir = "/usr/lib/apache2/modules",
            .ctl = "/usr/sbin/apache2ctl", .units = "apache2.service",
            .sysconfig = "/etc/apache2/envvars", .container = "php",
            .mpm_packages = "prefork=apache2-bin worker=apache2-bin "
                            "event=apache2-bin itk=libapache2-mpm-itk",
        },
        .evidence = "/etc/apache2/mods-available /usr/sbin/a2enmod "
                    "/usr/local/bin/apache2-foreground",
    },
    {
        .layout = {
            .id = "debian", .title = "Debian and Ubuntu",
            .mechanism = EM_MECH_LINKS,
            .binary = "/usr/sbin/apache2", .server_root = "/etc/apache2",
            .config_file = "/etc/apache2/apache2.conf",
            .modules_dir = "/usr/lib/apache2/modules",
            .ctl = "/usr/sbin/apache2ctl", .units = "apache2.service",
            .sysconfig = "/etc/apache2/envvars",
            .mpm_packages = "prefork=apache2-bin worker=apache2-bin "
                            "event=apache2-bin itk=libapache2-mpm-itk",
        },
        .evidence = "/etc/apache2/mods-available /usr/sbin/a2enmod "
                    "/usr/sbin/apache2",
    },
    {
        .layout = {
            .id = "suse", .title = "openSUSE and SUSE Linux Enterprise",
            .mechanism = EM_MECH_BINARY,
            .binary = "/usr/sbin/httpd", .server_root = "/etc/apache2",
            .config_file = "/etc/apache2/httpd.conf",
            .modules_dir = "/usr/lib64/apache2",
            .ctl = "/usr/sbin/apachectl", .units = "apache2.service",
            .sysconfig = "/etc/sysconfig/apache2",
            .mpm_variable = "APACHE_MPM",
            .mpm_packages = "prefork=apache2-prefork "
                            "worker=apache2-worker event=apache2-event",
        },
        .evidence = "/etc/sysconfig/apache2~APACHE_MPM "
                    "/etc/apache2/httpd.conf",
    },
    {
        .layout = {
            .id = "gentoo", .title = "Gentoo",
            .mechanism = EM_MECH_REBUILD,
            .binary = "/usr/sbin/apache2", .server_root = "/usr/lib64/apache2",
            .config_file = "/etc/apache2/httpd.conf",
            .modules_dir = "/usr/lib64/apache2/modules",
            .ctl = "/usr/sbin/apache2ctl", .units = "apache2.service",
            .mpm_file = "/etc/apache2/httpd.conf",
            .sysconfig = "/etc/conf.d/apache2",
        },
        .evidence = "/etc/conf.d/apache2~APACHE2_OPTS /etc/apache2/modules.d",
    },
    {
        .layout = {
            .id = "alpine", .title = "Alpine Linux",
            .mechanism = EM_MECH_LOADMODULE,
            .binary = "/usr/sbin/httpd", .server_root = "/var/www",
            .config_file = "/etc/apache2/httpd.conf",
            .modules_dir = "/usr/lib/apache2",
            .ctl = "/usr/sbin/apachectl", .units = "apache2.service",
            .mpm_file = "/etc/apache2/httpd.conf",
            .sysconfig = "/etc/conf.d/apache2",
        },
        .evidence = "/etc/apache2/httpd.conf /etc/init.d/apache2 "
                    "/usr/lib/apache2 !/etc/apache2/modules.d",
    },
    {
        .layout = {
            .id = "scl", .title = "RHEL software collection httpd24",
            .mechanism = EM_MECH_LOADMODULE,
            .binary = "/opt/rh/httpd24/root/usr/sbin/httpd",
            .server_root = "/opt/rh/httpd24/root/etc/httpd",
            .config_file = "/opt/rh/httpd24/root/etc/httpd/conf/httpd.conf",
            .modules_dir = "/opt/rh/httpd24/root/etc/httpd/modules",
            .ctl = "/opt/rh/httpd24/root/usr/sbin/apachectl",
            .units = "httpd24-httpd.service",
            .mpm_file = "/opt/rh/httpd24/root/etc/httpd/conf.modules.d/"
                        "00-mpm.conf",
            .sysconfig = "/opt/rh/httpd24/root/etc/sysconfig/httpd",
        },
        .evidence = "/opt/rh/httpd24/root/etc/httpd/conf/httpd.conf "
                    "!/etc/httpd/conf/httpd.conf",
    },
    {
        .layout = {
            .id = "el", .title = "RHEL family 7 and later, Fedora",
            .mechanism = EM_MECH_LOADMODULE,
            .binary = "/usr/sbin/httpd", .server_root = "/etc/httpd",
            .config_file = "/etc/httpd/conf/httpd.conf",
            .modules_dir = "/etc/httpd/modules",
            .ctl = "/usr/sbin/apachectl", .units = "httpd.service",
            .mpm_file = "/etc/httpd/conf.modules.d/00-mpm.conf",
            .sysconfig = "/etc/sysconfig/httpd",
            .mpm_packages = "itk=httpd-itk",
        },
        .evidence = "/etc/httpd/conf/httpd.conf /etc/httpd/conf.modules.d",
    },
    {
        .layout = {
            .id = "rhel6", .title = "RHEL family 5 and 6 (httpd 2.2)",
            .mechanism = EM_MECH_BINARY,
            .binary = "/usr/sbin/httpd", .server_root = "/etc/httpd",
            .config_file = "/etc/httpd/conf/httpd.conf",
            .modules_dir = "/etc/httpd/modules",
            .ctl = "/usr/sbin/apachectl", .units = "httpd.service",
            .mpm_file = "/etc/httpd/conf/httpd.conf",
            .sysconfig = "/etc/sysconfig/httpd",
            .mpm_variable = "HTTPD",
            .mpm_packages = "itk=httpd-itk",
        },
        .evidence = "/etc/httpd/conf/httpd.conf /etc/sysconfig/httpd~HTTPD= "
                    "!/etc/httpd/conf.modules.d",
    },
    {
        .layout = {
            .id = "arch", .title = "Arch Linux",
            .mechanism = EM_MECH_LOADMODULE,
            .binary = "/usr/bin/httpd", .server_root = "/etc/httpd",
            .config_file = "/etc/httpd/conf/httpd.conf",
            .modules_dir = "/usr/lib/httpd/modules",
            .ctl = "/usr/bin/apachectl", .units = "httpd.service",
            .mpm_file = "/etc/httpd/conf/httpd.conf",
        },
        .evidence = "/etc/httpd/conf/httpd.conf /etc/httpd/conf/extra "
                    "/usr/bin/httpd",
    },
    {
        .layout = {
            .id = "slackware", .title = "Slackware",
            .mechanism = EM_MECH_LOADMODULE,
            .binary = "/usr/sbin/httpd", .server_root = "/usr",
            .config_file = "/etc/httpd/httpd.conf",
            .ctl = "/usr/sbin/apachectl",
            .control = "/etc/rc.d/rc.httpd|start|", .units = "",
            .mpm_file = "/etc/httpd/httpd.conf",
        },
        .evidence = "/etc/httpd/httpd.conf /etc/rc.d/rc.httpd",
    },
    {
        .layout = {
            .id = "void", .title = "Void Linux",
            .mechanism = EM_MECH_LOADMODULE,
            .binary = "/usr/bin/httpd", .server_root = "/etc/apache",
            .config_file = "/etc/apache/httpd.conf",
            .ctl = "/usr/bin/apachectl", .units = "",
            .mpm_file = "/etc/apache/httpd.conf",
        },
        .evidence = "/etc/apache/httpd.conf /usr/bin/httpd",
    },
    {
        .layout = {
            .id = "freebsd", .title = "FreeBSD ports",
            .mechanism = EM_MECH_LOADMODULE,
            .binary = "/usr/local/sbin/httpd", .server_root = "/usr/local",
            .config_file = "/usr/local/etc/apache24/httpd.conf",
            .modules_dir = "/usr/local/libexec/apache24",
            .ctl = "/usr/local/sbin/apachectl", .units = "",
            .mpm_file = "/usr/local/etc/apache24/httpd.conf",
        },
        .evidence = "/usr/local/etc/apache24/httpd.conf",
    },
    {
        .layout = {
            .id = "bitnami", .title = "Bitnami",
            .mechanism = EM_MECH_LOADMODULE,
            .binary = "/opt/bitnami/apache/bin/httpd",
            .server_root = "/opt/bitnami/apache",
            .config_file = "/opt/bitnami/apache/conf/httpd.conf",
            .modules_dir = "/opt/bitnami/apache/modules",
            .ctl = "/opt/bitnami/apache/bin/apachectl",
            .control = "/opt/bitnami/ctlscript.sh|start apache|stop apache",
            .units = "",
            .mpm_file = "/opt/bitnami/apache/conf/httpd.conf",
        },
        .evidence = "/opt/bitnami/apache/conf/httpd.conf",
    },
    {
        .layout = {
            .id = "bitnami-apache2", .title = "Bitnami, older machines",
            .mechanism = EM_MECH_LOADMODULE,
            .binary = "/opt/bitnami/apache2/bin/httpd",
            .server_root = "/opt/bitnami/apache2",
            .config_file = "/opt/bitnami/apache2/conf/httpd.conf",
            .modules_dir = "/opt/bitnami/apache2/modules",
            .ctl = "/opt/bitnami/apache2/bin/apachectl",
            .control = "/opt/bitnami/ctlscript.sh|start apache|stop apache",
            .units = "",
            .mpm_file = "/opt/bitnami/apache2/conf/httpd.conf",
        },
        .evidence = "/opt/bitnami/apache2/conf/httpd.conf",
    },
    {
        .layout = {
            .id = "xampp", .title = "XAMPP for Linux",
            .mechanism = EM_MECH_LOADMODULE,
            .binary = "/opt/lampp/bin/httpd", .server_root = "/opt/lampp",
            .config_file = "/opt/lampp/etc/httpd.conf",
            .modules_dir = "/opt/lampp/modules",
            .ctl = "/opt/lampp/bin/apachectl",
            .control = "/opt/lampp/lampp|startapache|", .units = "",
            .mpm_file = "/opt/lampp/etc/httpd.conf",
        },
        .evidence = "/opt/lampp/etc/httpd.conf",
    },
    {
        .layout = {
            .id = "docker-httpd", .title = "official httpd image",
            .mechanism = EM_MECH_LOADMODULE,
            .binary = "/usr/local/apache2/bin/httpd",
            .server_root = "/usr/local/apache2",
            .config_file = "/usr/local/apache2/conf/httpd.conf",
            .modules_dir = "/usr/local/apache2/modules",
            .ctl = "/usr/local/apache2/bin/apachectl", .units = "",
            .mpm_file = "/usr/local/apache2/conf/httpd.conf",
            .container = "httpd",
        },
        .evidence = "/usr/local/apache2/conf/httpd.conf "
                    "/usr/local/bin/httpd-foreground",
    },
    {
        .layout = {
            .id = "source", .title = "built from source",
            .mechanism = EM_MECH_LOADMODULE,
            .binary = "/usr/local/apache2/bin/httpd",
            .server_root = "/usr/local/apache2",
            .config_file = "/usr/local/apache2/conf/httpd.conf",
            .modules_dir = "/usr/local/apache2/modules",
            .ctl = "/usr/local/apache2/bin/apachectl",
            .units = "httpd.service apache2.service apache.service",
            .mpm_file = "/usr/local/apache2/conf/httpd.conf",
        },
        .evidence = "/usr/local/apache2/conf/httpd.conf "
                    "/usr/local/apache2/bin/httpd",
    },
};

const em_layout_row_t *em_layout_row(int i)
{
    return i >= 0 && i < (int)(sizeof(rows) / sizeof(*rows)) ? &rows[i]
                                                              : NULL;
}

const char *em_mechanism_name(em_mechanism_id_t id)
{
    switch (id) {
    case EM_MECH_LOADMODULE:
        return "loadmodule";
    case EM_MECH_LINKS:
        return "links";
    case EM_MECH_PACKAGES:
        return "packages";
    case EM_MECH_BINARY:
        return "binary";
    case EM_MECH_REBUILD:
        return "rebuild";
    }
    return "unknown";
}
