# MinIO servers of a test's own, which it may kill, suspend and start again on the same port.
# Sourced by tests/services.sh. A server is a folder that the test chooses; user `wellhead`,
# password `private-password`: it lives for a minute, on loopback.

minio_private_usage='usage: tests/services.sh minio-private COMMAND DIR
  start DIR            makes a server in DIR, which has none, and prints its address
  restart DIR          starts it again, same port and data, and waits until it is ready
  stop DIR             SIGTERM
  kill DIR             SIGKILL: it is gone in the middle of what it did
  pause DIR            SIGSTOP: connections stay open and nobody answers
  resume DIR           SIGCONT'

minio_private_spawn() {
    local port entry
    port=$(sed 's/.*://' "$1/address")
    MINIO_ROOT_USER=wellhead MINIO_ROOT_PASSWORD=private-password MINIO_BROWSER=off MINIO_UPDATE=off \
        spawn "$1" TERM "$minio_binary" server "$1/data" --quiet --address "127.0.0.1:$port"
    # A second note of the process, for when the test could not clean up or its folder is gone.
    entry=$run/private/${WELLHEAD_TEST_SESSION:-none}/$(cksum <<<"$1" | cut -d' ' -f1)
    mkdir -p "$entry"
    cp "$1/pid" "$entry/pid"
    ready "MinIO in $1" "$1" 60 minio_probe "$port"
}

minio_private() {
    local verb=${1:-} dir=${2:-}
    [[ $verb && $dir && $# -eq 2 ]] || die "$minio_private_usage"
    make_run_folder
    if [[ $verb == start ]]; then
        [[ ! -e $dir/address ]] || die "$dir has a server already; restart it, or take another folder"
        minio_fetch
        mkdir -p "$dir"
        dir=$(cd "$dir" && pwd)
        echo "http://127.0.0.1:$(free_port)" >"$dir/address"
        minio_private_spawn "$dir"
        cat "$dir/address"
        return
    fi
    [[ -f $dir/address ]] || die "$dir has no server; start one first"
    dir=$(cd "$dir" && pwd)
    case $verb in
        restart)
            terminate "$dir"
            minio_private_spawn "$dir"
            ;;
        stop) terminate "$dir" ;;
        kill)
            send "$dir" KILL || die "the server in $dir is not running"
            within 5 gone "$dir" || die "the server in $dir does not end"
            ;;
        pause) send "$dir" STOP || die "the server in $dir is not running" ;;
        resume) send "$dir" CONT || die "the server in $dir is not running" ;;
        *) die "unknown command $verb"$'\n'"$minio_private_usage" ;;
    esac
}
