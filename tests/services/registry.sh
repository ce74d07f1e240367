# The registry of the Debian packages, twice: open to all, and with a password. Sourced by tests/services.sh.

registry_packages() {
    missing docker-registry docker-registry
    missing perl perl
}

registry_start() {
    local dir=$1 port auth password
    port=$(free_port) auth=$(free_port)
    password=$(random_hex)
    registry_configuration "$dir" "$port" >"$dir/registry.yml"
    spawn "$dir" TERM docker-registry serve "$dir/registry.yml"
    mkdir "$dir/auth"
    {
        registry_configuration "$dir/auth" "$auth"
        printf 'auth:\n  htpasswd: { realm: wellhead, path: "%s" }\n' "$dir/auth/htpasswd"
    } >"$dir/auth/registry.yml"
    echo "wellhead:$(bcrypt "$password")" >"$dir/auth/htpasswd"
    chmod 600 "$dir/auth/htpasswd"
    spawn "$dir/auth" TERM docker-registry serve "$dir/auth/registry.yml"
    ready 'the registry' "$dir" 30 answers 127.0.0.1 "$port"
    ready 'the registry with a password' "$dir/auth" 30 answers 127.0.0.1 "$auth"
    cat >"$dir/env" <<END
WELLHEAD_TEST_REGISTRY=127.0.0.1:$port
WELLHEAD_TEST_REGISTRY_AUTH=127.0.0.1:$auth
WELLHEAD_TEST_REGISTRY_USER=wellhead
WELLHEAD_TEST_REGISTRY_PASSWORD=$password
END
}

# The second process; the first is every service's.
registry_stop() { terminate "$1/auth"; }

registry_configuration() {
    cat <<END
version: 0.1
log: { level: warn, accesslog: { disabled: true } }
storage: { filesystem: { rootdirectory: "$1/data" } }
http: { addr: "127.0.0.1:$2", secret: "$(random_hex)" }
END
}

# The only kind of hash that it takes; the C library makes it, and perl is here to ask it.
bcrypt() {
    local salt
    salt=$(random_hex)
    PASSWORD=$1 SALT="\$2b\$05\$${salt:0:21}u" perl -e 'print crypt($ENV{PASSWORD}, $ENV{SALT})'
}
