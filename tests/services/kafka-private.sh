# Kafka brokers of a test's own, which it may kill, suspend and start again on the same port.
# Sourced by tests/services.sh. A broker is a folder that the test chooses.

kafka_private_usage='usage: tests/services.sh kafka-private COMMAND DIR
  start DIR [--acl] [--set KEY=VALUE]…
                       makes a broker in DIR, which has none, and prints its address
                       --acl: topics that begin with "denied" can neither be created nor seen nor
                       written; those that begin with "readonly" can be created and not be written;
                       nobody may use transactional ids that begin with "wellhead-denied";
                       all others are open to everybody
                       --set: a line of server.properties, such as message.max.bytes=10000
  restart DIR          starts it again, same port and data, and waits until it is ready
  stop DIR             SIGTERM: it takes its leave of its clients
  kill DIR             SIGKILL: it is gone in the middle of what it did
  pause DIR            SIGSTOP: connections stay open and nobody answers
  resume DIR           SIGCONT
  address DIR          prints HOST:PORT'

# Compiling less makes a broker that lives for a minute start sooner.
kafka_private_spawn() {
    kafka_spawn "$1" -XX:TieredStopAtLevel=1 -XX:+UseSerialGC
    # A second note of the process, for when the test could not clean up or its folder is gone.
    local entry
    entry=$run/private/${WELLHEAD_TEST_SESSION:-none}/$(cksum <<<"$1" | cut -d' ' -f1)
    mkdir -p "$entry"
    cp "$1/pid" "$entry/pid"
    ready "Kafka in $1" "$1" 60 kafka_answers "$(cat "$1/address")"
}

# kafka_rule ADDRESS ARGUMENT…: adds access rules for everybody. Once a resource has a rule, what
# no rule allows is refused; a resource with none is open to all.
kafka_rule() {
    local address=$1
    shift
    kafka_java org.apache.kafka.tools.AclCommand --bootstrap-server "$address" --add "$@"
}

# A topic may be created by whoever may create it *or* may create topics anywhere in the cluster,
# so the second has to go for the first to mean something.
kafka_restrict() {
    kafka_rule "$1" --topic denied --resource-pattern-type prefixed \
        --deny-principal 'User:*' --operation All &&
        kafka_rule "$1" --transactional-id wellhead-denied --resource-pattern-type prefixed \
            --deny-principal 'User:*' --operation All &&
        kafka_rule "$1" --topic readonly --resource-pattern-type prefixed \
            --allow-principal 'User:*' --operation Create --operation Read --operation Describe \
            --operation DescribeConfigs --operation Delete &&
        kafka_rule "$1" --cluster \
            --allow-principal 'User:*' --operation ClusterAction --operation Describe \
            --operation DescribeConfigs --operation Alter --operation AlterConfigs \
            --operation IdempotentWrite
}

kafka_private_start() {
    local dir=$1 acl='' address properties=()
    shift
    while [[ $# -gt 0 ]]; do
        case $1 in
            --acl) acl=yes ;;
            --set)
                [[ ${2:-} == ?*=* ]] || die "--set takes KEY=VALUE"
                properties+=("$2")
                shift
                ;;
            *) die "unknown option $1"$'\n'"$kafka_private_usage" ;;
        esac
        shift
    done
    [[ ! -e $dir/server.properties ]] || die "$dir has a broker already; restart it, or take another folder"
    kafka_prepare
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd)
    address=127.0.0.1:$(free_port)
    echo "$address" >"$dir/address"
    {
        kafka_properties "$dir" "$(free_port)" "PLAINTEXT://$address"
        if [[ $acl ]]; then
            echo "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer"
            echo "allow.everyone.if.no.acl.found=true"
        fi
        [[ ${#properties[@]} -eq 0 ]] || printf '%s\n' "${properties[@]}"
    } >"$dir/server.properties"
    kafka_format "$dir"
    kafka_private_spawn "$dir"
    if [[ $acl ]]; then
        kafka_restrict "$address" >"$dir/acl.log" 2>&1 || {
            cat "$dir/acl.log" >&2
            terminate "$dir"
            die "the access rules could not be set"
        }
    fi
    echo "$address"
}

# Packages and jars; one at a time, since tests start brokers side by side.
kafka_prepare() {
    make_run_folder
    if [[ -d $kafka_libs && -z $(kafka_packages) ]]; then return; fi
    {
        flock 9
        # shellcheck disable=SC2046 # one package a word
        install_packages $(kafka_packages)
    } 9>"$run/lock"
    kafka_fetch
}

kafka_private() {
    local verb=${1:-} dir=${2:-}
    [[ $verb && $dir ]] || die "$kafka_private_usage"
    shift 2
    if [[ $verb == start ]]; then
        kafka_private_start "$dir" "$@"
        return
    fi
    [[ $# -eq 0 ]] || die "$kafka_private_usage"
    [[ -f $dir/server.properties && -f $dir/address ]] || die "$dir has no broker; start one first"
    dir=$(cd "$dir" && pwd)
    case $verb in
        restart)
            make_run_folder
            terminate "$dir"
            kafka_private_spawn "$dir"
            cat "$dir/address"
            ;;
        stop) terminate "$dir" ;;
        kill)
            send "$dir" KILL || die "the broker in $dir is not running"
            within 5 gone "$dir" || die "the broker in $dir does not end"
            ;;
        pause) send "$dir" STOP || die "the broker in $dir is not running" ;;
        resume) send "$dir" CONT || die "the broker in $dir is not running" ;;
        address) cat "$dir/address" ;;
        *) die "unknown command $verb"$'\n'"$kafka_private_usage" ;;
    esac
}

# kafka_private_stop SESSION: ends what the tests of that `with` left behind; `*` for all of them.
kafka_private_stop() {
    local entry
    # shellcheck disable=SC2231 # the session may be a pattern
    for entry in "$run"/private/$1/*; do
        [[ -d $entry ]] || continue
        terminate "$entry"
        rmdir --parents --ignore-fail-on-non-empty "$entry" 2>/dev/null || true
    done
}
