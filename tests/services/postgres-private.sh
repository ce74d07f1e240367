# PostgreSQL servers of a test's own, which it may kill and start again on the same port. Sourced
# by tests/services.sh. A server is a folder that the test chooses, and that everybody may enter.

postgres_private_usage='usage: tests/services.sh postgres-private COMMAND DIR
  start DIR [--tls]    makes a server in DIR, which has none, and prints a URL of it
                       --tls: with a certificate for 127.0.0.1 and localhost; DIR/ca.pem is its authority
  restart DIR          starts it again, same port and data, and waits until it is ready
  stop DIR             as pg_ctl stop -m fast
  kill DIR             as pg_ctl stop -m immediate: it is gone in the middle of what it did'

postgres_private_spawn() {
    local dir=$1 tls=() entry
    if [[ -f $dir/data/server.crt ]]; then tls=(-c ssl=on); fi
    postgres_spawn "$dir" "$(cat "$dir/port")" ${tls[@]+"${tls[@]}"}
    # A second note of the process, for when the test could not clean up or its folder is gone.
    entry=$run/private/${WELLHEAD_TEST_SESSION:-none}/$(cksum <<<"$1" | cut -d' ' -f1)
    mkdir -p "$entry"
    cp "$dir/pid" "$entry/pid"
    ready "PostgreSQL in $dir" "$dir" 60 "$(postgres_bin)/psql" "$(cat "$dir/url")" -qtc 'select 1'
    cat "$dir/url"
}

postgres_private_start() {
    local dir=$1 tls=${2:-} password
    [[ -z $tls || $tls == --tls ]] || die "unknown option $tls"$'\n'"$postgres_private_usage"
    [[ ! -e $dir/port ]] || die "$dir has a server already; restart it, or take another folder"
    make_run_folder
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd)
    free_port >"$dir/port"
    password=$(random_hex)
    echo "postgres://wellhead:$password@127.0.0.1:$(cat "$dir/port")/postgres" >"$dir/url"
    postgres_cluster "$dir" "$password"
    if [[ $tls ]]; then
        make_certificates "$dir"
        cp "$dir/server.crt" "$dir/server.key" "$dir/data/"
        chmod 600 "$dir/data/server.key"
        [[ $EUID -ne 0 ]] || chown postgres: "$dir/data/server.crt" "$dir/data/server.key"
    fi
    postgres_private_spawn "$dir"
}

postgres_private() {
    local verb=${1:-} dir=${2:-}
    [[ $verb && $dir ]] || die "$postgres_private_usage"
    shift 2
    if [[ $verb == start ]]; then
        postgres_private_start "$dir" "$@"
        return
    fi
    [[ $# -eq 0 ]] || die "$postgres_private_usage"
    [[ -f $dir/port ]] || die "$dir has no server; start one first"
    dir=$(cd "$dir" && pwd)
    case $verb in
        restart)
            make_run_folder
            terminate "$dir"
            postgres_private_spawn "$dir"
            ;;
        stop) terminate "$dir" ;;
        kill)
            send "$dir" QUIT || die "the server in $dir is not running"
            within 5 gone "$dir" || die "the server in $dir does not end"
            ;;
        *) die "unknown command $verb"$'\n'"$postgres_private_usage" ;;
    esac
}
