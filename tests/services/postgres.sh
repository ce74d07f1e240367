# PostgreSQL of the Debian packages, as a cluster of its own. Sourced by tests/services.sh.

# The newest that is installed, where Debian puts it or in the path.
postgres_bin() {
    local candidate found=
    for candidate in /usr/lib/postgresql/*/bin; do
        [[ -x $candidate/initdb ]] && found=$candidate
    done
    if [[ ! $found ]] && command -v initdb >/dev/null; then found=$(dirname "$(command -v initdb)"); fi
    [[ $found ]] && echo "$found"
}

postgres_packages() { postgres_bin >/dev/null || echo postgresql; }

postgres_start() {
    local dir=$1 bin port password url as=()
    bin=$(postgres_bin)
    port=$(free_port)
    password=$(random_hex)
    mkdir "$dir/data"
    # In a file, since a command line is there for all to read.
    (umask 077 && echo "$password" >"$dir/password")
    # PostgreSQL refuses to run as root.
    if [[ $EUID -eq 0 ]]; then
        as=(setpriv --reuid=postgres --regid=postgres --init-groups)
        chown postgres: "$dir/data" "$dir/password"
    fi
    (
        cd / # a folder that postgres may read
        ${as[@]+"${as[@]}"} "$bin/initdb" -D "$dir/data" -U wellhead -E UTF8 --locale=C.UTF-8 \
            --no-sync --auth=scram-sha-256 --pwfile="$dir/password" >"$dir/log" 2>&1
    ) || {
        cat "$dir/log" >&2
        die "initdb could not make a cluster in $dir/data"
    }
    rm "$dir/password"
    # Durability against a power cut is PostgreSQL's to show, not these tests': fsync is off.
    # SIGINT ends it with clients connected, where SIGTERM waits for them to leave.
    spawn "$dir" INT ${as[@]+"${as[@]}"} "$bin/postgres" -D "$dir/data" -p "$port" \
        -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off
    url=postgres://wellhead:$password@127.0.0.1:$port
    ready PostgreSQL "$dir" 60 "$bin/psql" "$url/postgres" -qtc 'create database test'
    echo "WELLHEAD_TEST_POSTGRES=$url/test" >"$dir/env"
}
