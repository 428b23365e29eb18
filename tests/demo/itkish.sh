#!/bin/sh
# Two virtual hosts answer as two users, on a throwaway server with the module
# that `make` built. Needs root and an httpd with its modules; says so where
# they are missing (exit 77) and leaves nothing behind.
set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
module=${ITKISH_MODULE:-${BUILD:-$top/build}/modules/mod_mpm_itkish.so}
httpd=${HTTPD:-$(command -v apache2 || command -v httpd \
    || echo /usr/sbin/apache2)}
apxs=${APXS:-$(command -v apxs || command -v apxs2 || true)}
mods=${HTTPD_MODULES:-$(${apxs:-true} -q LIBEXECDIR)}

skip() {
    echo "itkish demo skipped: $1"
    exit 77
}

[ "$(id -u)" = 0 ] || skip "needs root: the server changes users"
[ -x "$httpd" ] || skip "needs httpd (set HTTPD)"
[ -f "$module" ] || skip "needs $module: type 'make' first"
[ -f "$mods/mod_mpm_prefork.so" ] || skip "needs httpd's modules in $mods"
command -v curl >/dev/null || skip "needs curl"

root=$(mktemp -d)
pid=
finish() {
    trap - EXIT INT TERM
    if [ -n "$pid" ]; then
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    fi
    rm -rf "$root"
}
trap finish EXIT
trap 'finish; exit 1' INT TERM

chmod 755 "$root"
mkdir -p "$root/logs" "$root/www/alice" "$root/www/bob"
# An address of our own on the loopback: no port to fight for.
address=127.$(( 64 + $$ / 65536 % 64 )).$(( $$ / 256 % 256 )).$(( $$ % 256 ))
port=8080
user=nobody
group=$(id -gn nobody)

# The vhosts' users are bare numbers here: no account has to exist.
host() {        # NAME UID
    cat <<'CGI' >"$root/www/$1/whoami.cgi"
#!/bin/sh
printf 'Content-Type: text/plain\n\n'
echo "I am $(id -u):$(id -g), in $(pwd -P)"
CGI
    echo "the secret of $1" >"$root/www/$1/secret.txt"
    chmod 700 "$root/www/$1/whoami.cgi"
    chmod 600 "$root/www/$1/secret.txt"
    chown -R "$2:$2" "$root/www/$1"
    cat <<CONF
<VirtualHost *:$port>
    ServerName $1.example
    DocumentRoot $root/www/$1
    AssignUserID #$2 #$2
    <Directory $root/www/$1>
        Options +ExecCGI
        AddHandler cgi-script .cgi
        Require all granted
    </Directory>
</VirtualHost>
CONF
}

load() {
    for name in "$@"; do
        [ ! -f "$mods/mod_$name.so" ] || cat <<CONF
<IfModule !${name}_module>
    LoadModule ${name}_module $mods/mod_$name.so
</IfModule>
CONF
    done
}

{
    load mpm_prefork unixd authz_core log_config mime cgi
    cat <<CONF
LoadModule mpm_itkish_module $module
ServerRoot $root
DefaultRuntimeDir $root/logs
PidFile $root/logs/httpd.pid
ServerName localhost
Listen $address:$port
User $user
Group $group
ErrorLog $root/logs/error.log
TypesConfig /dev/null
CONF
    host alice 60001
    host bob 60002
} >"$root/httpd.conf"

setsid "$httpd" -f "$root/httpd.conf" -DFOREGROUND &
pid=$!
tries=0
until curl -s -o "$root/out" "http://$address:$port/" 2>/dev/null; do
    tries=$(( tries + 1 ))
    if [ "$tries" -gt 100 ] || ! kill -0 "$pid" 2>/dev/null; then
        cat "$root/logs/error.log"
        echo "itkish demo: the server did not come up"
        exit 1
    fi
    sleep 0.1
done

ask() {         # HOST PATH
    echo "\$ curl http://$1.example$2"
    curl -s -H "Host: $1.example" "http://$address:$port$2"
}

ask alice /whoami.cgi
ask bob /whoami.cgi
ask alice /secret.txt
ln -s "$root/www/bob/secret.txt" "$root/www/alice/bobs.txt"
echo "alice links to bob's file, mode 600, and asks for it:"
status=$(curl -s -o "$root/out" -w '%{http_code}' -H "Host: alice.example" \
    "http://$address:$port/bobs.txt")
echo "HTTP status $status"
echo "The processes:"
ps -o user:10,pid,ppid,args --forest -g "$pid" | sed "s|-f $root.*||"

[ "$status" = 403 ] || exit 1
for name in alice bob; do
    uid=$([ "$name" = alice ] && echo 60001 || echo 60002)
    ask "$name" /whoami.cgi | grep -q "I am $uid:$uid," || exit 1
done
