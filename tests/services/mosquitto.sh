# Mosquitto of the Debian packages: MQTT 3.1.1 and 5, plain, with a password, over TLS.
# Sourced by tests/services.sh.

mosquitto_packages() {
    PATH=$PATH:/usr/sbin missing mosquitto mosquitto
    missing mosquitto-clients mosquitto_pub
    missing openssl openssl
}

mosquitto_start() {
    local dir=$1 plain auth tls mutual password
    plain=$(free_port) auth=$(free_port) tls=$(free_port) mutual=$(free_port)
    password=$(random_hex)
    make_certificates "$dir"
    touch "$dir/passwords"
    chmod 600 "$dir/passwords"
    mosquitto_passwd -b "$dir/passwords" wellhead "$password"
    cat >"$dir/mosquitto.conf" <<END
per_listener_settings true
# As root it would become another user, who may not read this folder.
user $(id -un)
persistence false
max_queued_messages 0

listener $plain 127.0.0.1
allow_anonymous true

listener $auth 127.0.0.1
allow_anonymous false
password_file $dir/passwords

listener $tls 127.0.0.1
allow_anonymous false
password_file $dir/passwords
cafile $dir/ca.pem
certfile $dir/server.crt
keyfile $dir/server.key

listener $mutual 127.0.0.1
allow_anonymous true
cafile $dir/ca.pem
certfile $dir/server.crt
keyfile $dir/server.key
require_certificate true
END
    spawn "$dir" TERM env PATH="$PATH:/usr/sbin" mosquitto -c "$dir/mosquitto.conf"
    ready Mosquitto "$dir" 30 mosquitto_pub -h 127.0.0.1 -p "$plain" -q 1 -t ready -m yes
    cat >"$dir/env" <<END
WELLHEAD_TEST_MQTT=127.0.0.1:$plain
WELLHEAD_TEST_MQTT_AUTH=127.0.0.1:$auth
WELLHEAD_TEST_MQTT_TLS=127.0.0.1:$tls
WELLHEAD_TEST_MQTT_MUTUAL=127.0.0.1:$mutual
WELLHEAD_TEST_MQTT_CA=$dir/ca.pem
WELLHEAD_TEST_MQTT_USER=wellhead
WELLHEAD_TEST_MQTT_PASSWORD=$password
END
}
