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

# And the program that reads SQLite's files, which need no service.
postgres_packages() {
    postgres_bin >/dev/null || echo postgresql
    missing sqlite3 sqlite3
}

# postgres_cluster DIR PASSWORD [OPTION…]: makes a cluster in DIR/data.
postgres_cluster() {
    local dir=$1 bin
    bin=$(postgres_bin)
    mkdir "$dir/data"
    # In a file, since a command line is there for all to read.
    (umask 077 && echo "$2" >"$dir/password")
    # PostgreSQL refuses to run as root.
    [[ $EUID -ne 0 ]] || chown postgres: "$dir/data" "$dir/password"
    (
        cd / # a folder that postgres may read
        postgres_as "$bin/initdb" -D "$dir/data" -U wellhead -E UTF8 --locale=C.UTF-8 \
            --no-sync --auth=scram-sha-256 --pwfile="$dir/password" >"$dir/log" 2>&1
    ) || {
        cat "$dir/log" >&2
        die "initdb could not make a cluster in $dir/data"
    }
    rm "$dir/password"
}

postgres_as() {
    if [[ $EUID -eq 0 ]]; then
        setpriv --reuid=postgres --regid=postgres --init-groups "$@"
    else
        "$@"
    fi
}

# postgres_spawn DIR PORT [ARGUMENT…]
postgres_spawn() {
    local dir=$1 port=$2 bin as=()
    shift 2
    bin=$(postgres_bin)
    [[ $EUID -ne 0 ]] || as=(setpriv --reuid=postgres --regid=postgres --init-groups)
    # Durability against a power cut is PostgreSQL's to show, not these tests': fsync is off.
    # SIGINT ends it with clients connected, where SIGTERM waits for them to leave.
    spawn "$dir" INT ${as[@]+"${as[@]}"} "$bin/postgres" -D "$dir/data" -p "$port" \
        -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off "$@"
}

postgres_start() {
    local dir=$1 port password url
    port=$(free_port)
    password=$(random_hex)
    postgres_cluster "$dir" "$password"
    postgres_spawn "$dir" "$port"
    url=postgres://wellhead:$password@127.0.0.1:$port
    ready PostgreSQL "$dir" 60 "$(postgres_bin)/psql" "$url/postgres" -qtc 'create database test'
    echo "WELLHEAD_TEST_POSTGRES=$url/test" >"$dir/env"
}
