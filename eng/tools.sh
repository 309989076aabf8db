#!/bin/bash
# Installs the foreign tools that some tests talk to, where they are missing and it can: from Debian's packages, as root or with sudo, and
# from npm. What it cannot install it names on its output; the tests that need that fail and say the same. Exit code 0 in any case.
set -u

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) || exit 1
policy=/usr/sbin/policy-rc.d
made_policy=no

# Daemons live in sbin, which is not on every user's path.
export PATH="$PATH:/usr/sbin:/usr/local/sbin"

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo -n "$@"
    fi
}

missing_packages() {
    command -v mosquitto >/dev/null || echo mosquitto
    { command -v mosquitto_pub && command -v mosquitto_sub; } >/dev/null || echo mosquitto-clients
    command -v strace >/dev/null || echo strace
    { command -v mount && command -v umount && command -v losetup; } >/dev/null || echo mount
    { command -v mkfs.ext4 && command -v e2fsck; } >/dev/null || echo e2fsprogs
    command -v etcd >/dev/null || echo etcd-server
    # Of Debian's own interpreter, for which its packages are.
    /usr/bin/python3 -c 'import paho.mqtt.client' 2>/dev/null || echo python3-paho-mqtt
    command -v node >/dev/null || echo nodejs
    # Node.js may be another maker's that brings its npm.
    command -v npm >/dev/null || echo npm
}

remove_policy() {
    if [ "$made_policy" = yes ]; then
        as_root rm -f "$policy"
        made_policy=no
    fi
}

install_packages() {
    command -v apt-get >/dev/null || return 1
    if [ "$(id -u)" != 0 ]; then
        { command -v sudo && sudo -n true; } >/dev/null 2>&1 || return 1
    fi

    # The broker is wanted as a program for tests, not as a service of this machine: 101 forbids starting it.
    if [ ! -e "$policy" ]; then
        made_policy=yes
        trap remove_policy EXIT
        trap 'exit 130' INT
        trap 'exit 143' TERM
        as_root sh -c "printf '#!/bin/sh\nexit 101\n' > $policy && chmod 755 $policy" || return 1
    fi

    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq </dev/null
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null
    local installed=$?
    remove_policy
    return "$installed"
}

missing=$(missing_packages)
if [ -n "$missing" ]; then
    # shellcheck disable=SC2086 # one package per word
    install_packages $missing >&2
    missing=$(missing_packages | tr '\n' ' ')
    if [ -n "$missing" ]; then
        echo "Could not install ${missing% }; the tests that need it will fail"
    fi
fi

# mqtt.js, a foreign client like the others, but not among Debian's packages.
foreign="$root/tests/Streams.EndToEnd.Tests/Foreign"
if ! (cd "$foreign" && node -e 'require("mqtt")') 2>/dev/null; then
    (cd "$foreign" && npm install --no-package-lock --no-audit --no-fund --loglevel=error </dev/null >&2) \
        || echo "Could not install mqtt.js; the tests that need it will fail"
fi

exit 0
