#!/bin/bash
# Install what the build and the tests need and this machine lacks.
#
#   install-deps.sh [LIST]      LIST.debian or LIST.fedora names the packages;
#                               tests/deps unless given
#
# As root it installs; as another user it says what root would install and
# goes on, for most tests do without most of it. No service is started.
set -u
here=$(cd "$(dirname "$0")" && pwd)

lists=${1:-$here/deps}
if command -v apt-get >/dev/null; then
    manager=apt
    list=$lists.debian
elif command -v dnf >/dev/null; then
    manager=dnf
    list=$lists.fedora
else
    echo "deps: neither apt-get nor dnf here; install what the lists" \
        "tests/deps.* name with this system's own package manager"
    exit 0
fi

installed() {
    case $manager in
    apt) [ "$(dpkg-query -Wf '${db:Status-Status}' "$1" 2>/dev/null)" = installed ] ;;
    dnf) rpm -q --quiet --whatprovides "$1" ;;
    esac
}

on_offer() {
    case $manager in
    apt) apt-cache policy "$1" 2>/dev/null | grep -q 'Candidate: [^(]' ;;
    dnf)
        grep -qx -- "$1" <<<"$offered" ||
            [ "$(dnf -q repoquery --whatprovides "$1" 2>/dev/null)" ]
        ;;
    esac
}

# Entries of the list of which no alternative is installed.
missing=()
while read -r entry; do
    found=
    IFS='|' read -ra names <<<"$entry"
    for name in "${names[@]}"; do
        installed "$name" && found=1
    done
    [ "$found" ] || missing+=("$entry")
done < <(sed 's/#.*//; s/[[:space:]]//g; /^$/d' "$list")

if [ "${#missing[@]}" -eq 0 ]; then
    echo "deps: everything in ${list##*/} is installed"
    exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "deps: not root, so these stay uninstalled, and tests that need" \
        "them are skipped:"
    printf '  %s\n' "${missing[@]%%|*}"
    echo "deps: to install them: sudo tests/install-deps.sh"
    exit 0
fi

# Packages that bring a service must not start it here.
policy=/usr/sbin/policy-rc.d
if [ "$manager" = apt ] && [ ! -e $policy ]; then
    trap 'rm -f $policy' EXIT
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod +x $policy
fi
export DEBIAN_FRONTEND=noninteractive
apt_install() {
    apt-get -o DPkg::Lock::Timeout=300 install -y -q \
        --no-install-recommends "$@"
}
install() {
    case $manager in
    apt) apt_install "$@" ;;
    dnf) dnf install -y -q --setopt=install_weak_deps=False "$@" ;;
    esac
}

[ "$manager" != apt ] || apt-get -o DPkg::Lock::Timeout=300 update -q
# Each call of dnf takes a second or more: one for all the names.
offered=
if [ "$manager" = dnf ]; then
    mapfile -t names < <(printf '%s\n' "${missing[@]}" | tr '|' '\n')
    offered=$(dnf -q repoquery --qf '%{name}\n' "${names[@]}" 2>/dev/null)
fi
wanted=()
for entry in "${missing[@]}"; do
    chosen=
    IFS='|' read -ra names <<<"$entry"
    for name in "${names[@]}"; do
        if on_offer "$name"; then
            chosen=$name
            break
        fi
    done
    if [ "$chosen" ]; then
        wanted+=("$chosen")
    else
        echo "deps: no repository here has $entry; tests that need it are" \
            "skipped"
    fi
done
[ "${#wanted[@]}" -gt 0 ] || exit 0
log=$(mktemp)
echo "deps: installing ${wanted[*]}"
if ! install "${wanted[@]}" >"$log" 2>&1; then
    # One that cannot be installed must not keep the others away.
    for name in "${wanted[@]}"; do
        installed "$name" || install "$name" >"$log" 2>&1 || {
            tail -5 "$log"
            echo "deps: $name could not be installed"
        }
    done
fi
rm -f "$log"
exit 0
