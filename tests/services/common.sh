# Shared by tests/services.sh and the files beside this one: folders, messages, ports, processes.
# Sourced, never run. Everything that a service leaves on disk is in its folder below $run:
#   pid (process, its start time, the signal that ends it), log, env (addresses), data.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
here=$root/tests/services
cache=${XDG_CACHE_HOME:-$HOME/.cache}/wellhead
out=$root/target/services
# A checkout has one run folder, found again by the checkout's path alone, so that what was
# started can be stopped even after `cargo clean` took the address file away.
run=${TMPDIR:-/tmp}/wellhead-services-$UID-$(cksum <<<"$root" | cut -d' ' -f1)

say() { echo "services: $*" >&2; }

die() {
    echo "services: error: $*" >&2
    exit 1
}

# Makes the run folder, and refuses one that somebody else made: its name can be foreseen.
make_run_folder() {
    mkdir -p "$out"
    if mkdir -m 711 "$run" 2>/dev/null; then return; fi
    [[ -d $run && ! -L $run && -O $run ]] ||
        die "$run exists and is not a folder of yours; remove it, or set TMPDIR"
}

random_hex() { head -c 12 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }

# ---- packages ----

# missing PACKAGE COMMAND: prints the package where the command is not to be found.
missing() { command -v "$2" >/dev/null || echo "$1"; }

# Installs Debian packages as root, and says what to type to anybody else.
install_packages() {
    [[ $# -gt 0 ]] || return 0
    if [[ $EUID -ne 0 ]] || ! command -v apt-get >/dev/null; then
        die "not installed: $*. On Debian and Ubuntu: sudo apt-get install $*"
    fi
    say "installing $*"
    # Packages of servers start one on the standard port. We start our own, so forbid it.
    local policy=/usr/sbin/policy-rc.d status=0
    if [[ ! -e $policy ]]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
    else
        policy=
    fi
    {
        apt-get -qq update &&
            DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 \
                install --no-install-recommends "$@"
    } </dev/null >"$out/apt.log" 2>&1 || status=$?
    [[ -z $policy ]] || rm -f "$policy"
    [[ $status -eq 0 ]] || {
        tail -n 20 "$out/apt.log" >&2
        die "apt-get could not install $*"
    }
}

# ---- ports ----

in_use() {
    local hex
    hex=$(printf ':%04X' "$1")
    awk -v port="$hex" 'index($2, port) { found = 1 } END { exit !found }' \
        /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# Prints a port that nothing uses. It lies below the range from which Linux takes the ports of
# outgoing connections, so that a broker that comes back finds its port still free; and it is
# claimed for an hour, so that two that start at the same time get different ones.
free_port() {
    local claims=${TMPDIR:-/tmp}/wellhead-ports-$UID port
    mkdir -p "$claims"
    find "$claims" -mindepth 1 -maxdepth 1 -mmin +60 -exec rmdir {} + 2>/dev/null || true
    for _ in {1..500}; do
        port=$((20000 + (RANDOM << 15 | RANDOM) % 12000))
        in_use "$port" && continue
        mkdir "$claims/$port" 2>/dev/null || continue
        echo "$port"
        return
    done
    die "no free port between 20000 and 32000"
}

# answers HOST PORT: true when something accepts connections there.
answers() { timeout 5 bash -c ": </dev/tcp/$1/$2" 2>/dev/null; }

# ---- processes ----

# A process id alone can be somebody else's by now; with the start time it cannot.
started_at() {
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    # What follows the name, which is in parentheses: state, parent, …, start time.
    read -r -a stat <<<"${stat##*) }"
    [[ ${stat[0]} != Z ]] && echo "${stat[19]}"
}

# spawn DIR SIGNAL COMMAND…: runs the command by itself, apart from our terminal and locks.
spawn() {
    local dir=$1 signal=$2
    shift 2
    setsid "$@" </dev/null >>"$dir/log" 2>&1 8>&- 9>&- &
    echo "$! $(started_at $!) $signal" >"$dir/pid"
}

alive() {
    local pid start _
    [[ -f $1/pid ]] && read -r pid start _ <"$1/pid" && [[ $(started_at "$pid") == "$start" ]]
}

# send DIR SIGNAL: to the process that was spawned for that folder, and to no other.
send() {
    local pid _
    alive "$1" || return 1
    read -r pid _ <"$1/pid"
    kill -"$2" "$pid"
}

# within SECONDS COMMAND…: asks until the command succeeds; false when the time is up.
within() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [[ $SECONDS -lt $deadline ]] || return 1
        sleep 0.1
    done
}

gone() { ! alive "$1"; }

# Ends the process of a folder: asks first, and makes sure after 15 s.
terminate() {
    local signal _
    if alive "$1"; then
        read -r _ _ signal <"$1/pid"
        send "$1" "$signal" || true
        send "$1" CONT || true
        within 15 gone "$1" || { send "$1" KILL && within 5 gone "$1"; } || true
    fi
    rm -f "$1/pid"
}

# ready NAME DIR SECONDS PROBE…: waits until the probe succeeds; where the process ends first or
# the time is up, shows its log and fails.
ready() {
    local name=$1 dir=$2 deadline=$((SECONDS + $3)) why
    shift 3
    until "$@" >/dev/null 2>&1; do
        if ! alive "$dir"; then
            why="$name ended while it started"
        elif [[ $SECONDS -ge $deadline ]]; then
            why="$name is not ready in time"
        else
            sleep 0.1
            continue
        fi
        tail -n 30 "$dir/log" >&2
        terminate "$dir"
        die "$why; its log is above and in $dir/log"
    done
}

# ---- certificates ----

# make_certificates DIR: ca.pem for clients, server.crt and server.key for 127.0.0.1 and localhost.
make_certificates() {
    local dir=$1
    {
        openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj '/CN=wellhead test CA' \
            -addext keyUsage=critical,keyCertSign -keyout "$dir/ca.key" -out "$dir/ca.pem" &&
            openssl req -newkey rsa:2048 -nodes -subj '/CN=localhost' \
                -keyout "$dir/server.key" -out "$dir/server.csr" &&
            openssl x509 -req -in "$dir/server.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -days 30 \
                -CAcreateserial -extfile <(echo 'subjectAltName=DNS:localhost,IP:127.0.0.1') \
                -out "$dir/server.crt"
    } >"$dir/openssl.log" 2>&1 || {
        cat "$dir/openssl.log" >&2
        die "openssl could not make the certificates"
    }
}
