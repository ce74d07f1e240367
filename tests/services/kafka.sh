# Apache Kafka: one process that is broker and controller (KRaft), from jars of Maven Central.
# Sourced by tests/services.sh.

kafka_version=$(sed -n '/<artifactId>kafka_2.13</{n;s/.*<version>\(.*\)<.*/\1/p}' "$here/pom.xml")
kafka_libs=$cache/kafka/$kafka_version-$(sha256sum "$here/pom.xml" | cut -c1-12)
kafka_user=wellhead

# kcat asks whether a broker is ready, and counts what the tests say they delivered. The one of
# Debian 12 cannot log in by SCRAM: its librdkafka repeats the nonce, which Kafka 4 refuses.
kafka_packages() {
    missing openjdk-17-jre-headless java
    [[ -d $kafka_libs ]] || missing maven mvn
    missing kcat kcat
    missing openssl openssl
    # What the tests of the file sink, which run beside Kafka's, read its files back with.
    missing gzip gzip
    missing zstd zstd
}

kafka_fetch() {
    [[ -d $kafka_libs ]] && return
    mkdir -p "$cache/kafka"
    {
        flock 8
        # Somebody else may have fetched them while we waited.
        [[ -d $kafka_libs ]] && return
        say "fetching Kafka $kafka_version from Maven Central"
        local scratch=$kafka_libs.part
        rm -rf "$scratch"
        mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies \
            -DoutputDirectory="$scratch" -DincludeScope=runtime </dev/null >"$out/mvn.log" 2>&1 || {
            tail -n 20 "$out/mvn.log" >&2
            die "Kafka could not be fetched from Maven Central (the log is above). Set" \
                "WELLHEAD_TEST_KAFKA=HOST:PORT to use a broker that you have; compose.yaml has one"
        }
        mv "$scratch" "$kafka_libs"
    } 8>"$cache/kafka/lock"
}

# kafka_java CLASS ARGUMENT…, for the tools; the broker itself is spawned with the same class path.
kafka_java() { java -Xmx128m -XX:TieredStopAtLevel=1 -cp "$kafka_libs/*" "$@"; }

# A cluster's id is 16 bytes in base64; the tools take one that begins with a dash for an option.
kafka_cluster_id() { echo "w$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | cut -c2-22)"; }

kafka_answers() { kcat -L -b "$1" -m 2 | grep -q 'broker 1 at'; }

# kafka_properties DIR CONTROLLER_PORT LISTENERS: what every broker of ours has in common.
kafka_properties() {
    cat <<END
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$2
controller.listener.names=CONTROLLER
listeners=$3,CONTROLLER://127.0.0.1:$2
advertised.listeners=$3
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs=$1/data
# A topic that appears by itself would hide that nobody created it.
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
# A broker that comes back is let in when the session of its former self is over.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
# 128 MiB unless said, which is a third of the heap.
log.cleaner.dedupe.buffer.size=8388608
END
}

kafka_format() {
    local dir=$1
    shift
    kafka_java kafka.tools.StorageTool format -t "$(kafka_cluster_id)" -c "$dir/server.properties" \
        "$@" >"$dir/format.log" 2>&1 || {
        cat "$dir/format.log" >&2
        die "Kafka could not format $dir/data"
    }
}

# kafka_spawn DIR JVM_OPTION…
kafka_spawn() {
    local dir=$1
    shift
    spawn "$dir" TERM java -Xmx400m -Djava.awt.headless=true "$@" \
        -Dlog4j2.configurationFile="$here/log4j2.properties" \
        -cp "$kafka_libs/*" kafka.Kafka "$dir/server.properties"
}

kafka_start() {
    local dir=$1 password
    kafka_fetch
    password=$(random_hex)
    make_certificates "$dir"
    # Kafka reads a key and its chain from one PEM file.
    cat "$dir/server.key" "$dir/server.crt" >"$dir/server.pem"
    local plain sasl tls sasl_tls
    plain=127.0.0.1:$(free_port) sasl=127.0.0.1:$(free_port)
    tls=127.0.0.1:$(free_port) sasl_tls=127.0.0.1:$(free_port)
    {
        kafka_properties "$dir" "$(free_port)" \
            "PLAINTEXT://$plain,SASL_PLAINTEXT://$sasl,SSL://$tls,SASL_SSL://$sasl_tls"
        echo "ssl.keystore.type=PEM"
        echo "ssl.keystore.location=$dir/server.pem"
        echo "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"
        local listener modules=org.apache.kafka.common.security
        for listener in sasl_plaintext sasl_ssl; do
            cat <<END
listener.name.$listener.plain.sasl.jaas.config=$modules.plain.PlainLoginModule required user_$kafka_user="$password";
listener.name.$listener.scram-sha-256.sasl.jaas.config=$modules.scram.ScramLoginModule required;
listener.name.$listener.scram-sha-512.sasl.jaas.config=$modules.scram.ScramLoginModule required;
END
        done
    } >"$dir/server.properties"
    kafka_format "$dir" \
        --add-scram "SCRAM-SHA-256=[name=$kafka_user,password=$password]" \
        --add-scram "SCRAM-SHA-512=[name=$kafka_user,password=$password]"
    kafka_spawn "$dir"
    ready Kafka "$dir" 60 kafka_answers "$plain"
    cat >"$dir/env" <<END
WELLHEAD_TEST_KAFKA=$plain
WELLHEAD_TEST_KAFKA_SASL=$sasl
WELLHEAD_TEST_KAFKA_TLS=$tls
WELLHEAD_TEST_KAFKA_SASL_TLS=$sasl_tls
WELLHEAD_TEST_KAFKA_CA=$dir/ca.pem
WELLHEAD_TEST_KAFKA_USER=$kafka_user
WELLHEAD_TEST_KAFKA_PASSWORD=$password
END
}
