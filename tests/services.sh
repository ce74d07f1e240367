#!/usr/bin/env bash
# The real services that the tests use: Kafka, MinIO, PostgreSQL, Mosquitto, an OCI registry. On Linux, without
# containers, on loopback, each with ports and data of its own. `compose.yaml` is the other way.
set -euo pipefail
shopt -s inherit_errexit

# shellcheck disable=SC2016 # in this text nothing is meant to expand
usage='usage: tests/services.sh COMMAND [kafka] [minio] [postgres] [mosquitto] [registry]
  start [NAME…]              starts those named (kafka alone when none is) and keeps those that run;
                             addresses: target/services/env
  stop [NAME…]               stops what `start` started: those named, or all
  status [NAME…]             which of them run, and where
  env                        prints the addresses, KEY=value
  with [NAME…] -- COMMAND    starts them, runs the command with the addresses in its environment,
                             stops those that nobody else uses; ends with the command'\''s status
  fetch [NAME…]              only installs and downloads what they need
  packages [NAME…]           prints the Debian packages that they need and this machine lacks
  kafka-private COMMAND DIR  a broker that a test may kill and start again
  postgres-private COMMAND DIR  the same of PostgreSQL
  mc                         builds MinIO'\''s client where it is missing, and prints its path
  minio-private COMMAND DIR  a MinIO that a test may kill and start again
An address that is in the environment already (WELLHEAD_TEST_KAFKA, WELLHEAD_TEST_MINIO,
WELLHEAD_TEST_POSTGRES, WELLHEAD_TEST_MQTT, WELLHEAD_TEST_REGISTRY) is used as it is, and nothing is started for it.'

folder=$(dirname "${BASH_SOURCE[0]}")/services
# shellcheck source=tests/services/common.sh
source "$folder/common.sh"
# shellcheck source=tests/services/kafka.sh
source "$folder/kafka.sh"
# shellcheck source=tests/services/kafka-private.sh
source "$folder/kafka-private.sh"
# shellcheck source=tests/services/go.sh
source "$folder/go.sh"
# shellcheck source=tests/services/minio.sh
source "$folder/minio.sh"
# shellcheck source=tests/services/minio-private.sh
source "$folder/minio-private.sh"
# shellcheck source=tests/services/postgres.sh
source "$folder/postgres.sh"
# shellcheck source=tests/services/postgres-private.sh
source "$folder/postgres-private.sh"
# shellcheck source=tests/services/mosquitto.sh
source "$folder/mosquitto.sh"
# shellcheck source=tests/services/registry.sh
source "$folder/registry.sh"

services=(kafka minio postgres mosquitto registry)

# The variable that has a service's main address.
variable() {
    case $1 in
        mosquitto) echo WELLHEAD_TEST_MQTT ;;
        *) echo "WELLHEAD_TEST_${1^^}" ;;
    esac
}

check_names() {
    local name
    for name in "$@"; do
        [[ " ${services[*]} " == *" $name "* ]] || die "no service is called $name; there are: ${services[*]}"
    done
}

# Prints the address that the environment gives, unless it is the one of our own.
given() {
    local variable address
    variable=$(variable "$1")
    address=${!variable:-}
    [[ $address ]] || return 1
    if alive "$run/$1" && grep -qsxF "$variable=$address" "$run/$1/env"; then return 1; fi
    echo "$address"
}

# use_given NAME ADDRESS: takes over what the environment says of a service, once it answers.
use_given() {
    local name=$1 variable host port
    variable=$(variable "$name")
    # The first of a list, without scheme, user and path.
    [[ ${2%%,*} =~ ^([a-z]+://)?([^@/]*@)?\[?([^/]+)\]?:([0-9]+)(/.*)?$ ]] ||
        die "$variable is \"$2\", which has no HOST:PORT"
    host=${BASH_REMATCH[3]} port=${BASH_REMATCH[4]}
    answers "$host" "$port" || die "$variable is \"$2\", where nothing answers; unset it to start one here"
    mkdir -p "$run/$name"
    env | grep "^$variable" >"$run/$name/given"
    say "$name: $host:$port, from the environment"
}

# True when it runs and has said where; what begins and does not finish leaves no env file.
running() { alive "$run/$1" && [[ -s $run/$1/env ]]; }

clear_service() {
    terminate "$run/$1"
    if [[ $(type -t "${1}_stop") == function ]]; then "${1}_stop" "$run/$1"; fi
    if [[ -f $run/$1/log ]]; then
        mkdir -p "$out/logs"
        cp -f "$run/$1/log" "$out/logs/$1.log"
    fi
    rm -rf "${run:?}/$1"
}

# Puts the addresses of all that run together into the one file, in one step.
write_addresses() {
    local name
    for name in "${services[@]}"; do
        if [[ -f $run/$name/given ]]; then
            cat "$run/$name/given"
        elif running "$name"; then
            cat "$run/$name/env"
        fi
    done >"$out/env.part"
    if [[ -s $out/env.part ]]; then mv "$out/env.part" "$out/env"; else rm -f "$out/env.part" "$out/env"; fi
}

start_one() {
    local name=$1 address began=$SECONDS
    if address=$(given "$name"); then
        use_given "$name" "$address"
    else
        rm -f "$run/$name/given"
        if ! running "$name"; then
            # What a killed start left behind, if anything.
            clear_service "$name"
            mkdir -m 711 "$run/$name"
            "${name}_start" "$run/$name"
            say "$name: started in $((SECONDS - began)) s"
        fi
    fi
    # Who started it by hand keeps it until `stop`; a `with` has it on lease.
    if [[ ! ${WELLHEAD_TEST_SESSION:-} ]]; then
        touch "$run/$name/keep"
        return
    fi
    local lease=$run/$name/lease-$WELLHEAD_TEST_SESSION
    mkdir -p "$lease"
    echo "$WELLHEAD_TEST_SESSION $(started_at "$WELLHEAD_TEST_SESSION") -" >"$lease/pid"
}

# Gives a lease back; the last one out stops the service.
release() {
    local name=$1 lease
    rm -rf "$run/$name/lease-$WELLHEAD_TEST_SESSION"
    if [[ -e $run/$name/keep ]]; then return; fi
    for lease in "$run/$name"/lease-*; do
        if alive "$lease"; then return; fi
    done
    clear_service "$name"
}

release_all() {
    local name
    kafka_private_stop "$WELLHEAD_TEST_SESSION"
    {
        flock 9
        for name in "$@"; do release "$name"; done
        write_addresses
    } 9>"$run/lock"
}

# Packages of all of them first, so that one message says everything that has to be installed.
install_for() {
    local name own=() packages
    for name in "$@"; do given "$name" >/dev/null || own+=("$name"); done
    mapfile -t packages < <(packages ${own[@]+"${own[@]}"})
    install_packages ${packages[@]+"${packages[@]}"}
}

packages() {
    local name
    for name in "$@"; do "${name}_packages" || true; done | sort -u
}

start() {
    local name
    make_run_folder
    {
        flock 9
        install_for "$@"
        trap write_addresses EXIT
        for name in "$@"; do start_one "$name"; done
    } 9>"$run/lock"
}

stop() {
    local name
    [[ -d $run ]] || return 0
    mkdir -p "$out"
    {
        flock 9
        for name in "$@"; do clear_service "$name"; done
        write_addresses
    } 9>"$run/lock"
}

status() {
    local name all=0
    for name in "$@"; do
        if [[ -f $run/$name/given ]]; then
            echo "$name: $(sed -n "s/^$(variable "$name")=//p" "$run/$name/given"), from the environment"
        elif running "$name"; then
            echo "$name: $(sed -n "s/^$(variable "$name")=//p" "$run/$name/env"), process $(cut -d' ' -f1 "$run/$name/pid")"
        else
            echo "$name: not running"
            all=1
        fi
    done
    return $all
}

fetch() {
    local name
    make_run_folder
    {
        flock 9
        install_for "$@"
    } 9>"$run/lock"
    # These take minutes and have locks of their own, so that nobody waits who needs nothing of it.
    for name in "$@"; do
        if [[ $(type -t "${name}_fetch") == function ]]; then "${name}_fetch"; fi
    done
}

with() {
    local names=() line
    while [[ $# -gt 0 && $1 != -- ]]; do
        names+=("$1")
        shift
    done
    [[ ${1:-} == -- && $# -gt 1 ]] || die "$usage"
    shift
    check_names ${names[@]+"${names[@]}"}
    [[ ${#names[@]} -gt 0 ]] || names=(kafka)
    make_run_folder
    export WELLHEAD_TEST_SESSION=$$
    # Where nobody reads along, a test that is left out is a test that failed.
    if [[ ${CI:-} == true ]]; then export WELLHEAD_TEST_REQUIRE=1; fi
    trap 'exit 130' INT
    trap 'exit 143' TERM
    # shellcheck disable=SC2064 # the names are those of now
    trap "release_all ${names[*]} || true" EXIT
    # A process of its own: in a condition of this one, its errors would not end it.
    if ! "${BASH_SOURCE[0]}" start "${names[@]}"; then
        [[ ${WELLHEAD_TEST_REQUIRE:-} != 1 ]] || die "a service that the tests need is missing"
        say "going on without; the tests that need what is missing say that they were left out"
    fi
    if [[ -f $out/env ]]; then
        while IFS= read -r line; do export "${line?}"; done <"$out/env"
    fi
    "$@"
}

command=${1:-}
[[ $# -eq 0 ]] || shift
case $command in
    start | fetch | packages)
        check_names "$@"
        [[ $# -gt 0 ]] || set -- kafka
        "$command" "$@"
        ;;
    stop | status)
        check_names "$@"
        if [[ $# -eq 0 ]]; then
            set -- "${services[@]}"
            [[ $command != stop ]] || kafka_private_stop '*'
        fi
        "$command" "$@"
        ;;
    env)
        [[ -f $out/env ]] || die "nothing is running; start it with tests/services.sh start"
        cat "$out/env"
        ;;
    with) with "$@" ;;
    kafka-private) kafka_private "$@" ;;
    postgres-private) postgres_private "$@" ;;
    mc)
        make_run_folder
        mc_fetch
        echo "$mc_binary"
        ;;
    minio-private) minio_private "$@" ;;
    help | -h | --help) echo "$usage" ;;
    *)
        echo "$usage" >&2
        exit 2
        ;;
esac
