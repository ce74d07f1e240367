# MinIO, which is released as source only: built by Go's own client, once a machine.
# Sourced by tests/services.sh.

minio_version=v0.0.0-20260212201848-7aac2a2c5b7c
minio_binary=$cache/minio/$minio_version/minio
mc_version=v0.0.0-20250313080218-cf909e1063a9
mc_binary=$cache/mc/$mc_version/mc

minio_packages() {
    [[ -x $minio_binary && -x $mc_binary ]] || go_packages
}

# The server, and MinIO's own client, which the tests read with.
minio_fetch() {
    go_fetch MinIO minio "$minio_version" "$minio_binary"
    mc_fetch
}

mc_fetch() { go_fetch mc mc "$mc_version" "$mc_binary"; }

# go_fetch NAME MODULE VERSION BINARY: builds a program of MinIO's, unless it is there.
go_fetch() {
    local name=$1 module=$2 version=$3 binary=$4
    [[ -x $binary ]] && return
    mkdir -p "$(dirname "$binary")"
    {
        flock 8
        [[ -x $binary ]] && return
        say "building $name $version (minutes, once a machine)"
        local go scratch=$binary.part
        go=$(go_command)
        rm -rf "$scratch"
        # CGO off: no C compiler needed, and none whose version matters.
        GOBIN=$scratch GOFLAGS='' CGO_ENABLED=0 \
            "$go" install -trimpath "github.com/minio/$module@$version" </dev/null >"$out/go.log" 2>&1 || {
            tail -n 20 "$out/go.log" >&2
            die "$name could not be built (the log is above). Set WELLHEAD_TEST_MINIO=http://HOST:PORT" \
                "to use a server that you have; compose.yaml has one"
        }
        mv "$scratch/$module" "$binary"
        rmdir "$scratch"
    } 8>"$cache/$module/lock"
}

minio_answers() {
    local reply
    exec 7<>"/dev/tcp/127.0.0.1/$1" || return 1
    printf 'GET /minio/health/ready HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' >&7
    read -r -t 5 reply <&7
    [[ $reply == HTTP/*' 200 '* ]]
}

minio_start() {
    local dir=$1 port password
    minio_fetch
    port=$(free_port)
    password=$(random_hex)
    MINIO_ROOT_USER=wellhead MINIO_ROOT_PASSWORD=$password MINIO_BROWSER=off MINIO_UPDATE=off \
        spawn "$dir" TERM "$minio_binary" server "$dir/data" --quiet --address "127.0.0.1:$port"
    ready MinIO "$dir" 60 minio_probe "$port"
    cat >"$dir/env" <<END
WELLHEAD_TEST_MINIO=http://127.0.0.1:$port
WELLHEAD_TEST_MINIO_ACCESS_KEY=wellhead
WELLHEAD_TEST_MINIO_SECRET_KEY=$password
END
}

# In a subshell, since a refused connection would end this one.
minio_probe() { (minio_answers "$1"); }
