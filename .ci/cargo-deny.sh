#!/usr/bin/env bash
# Prints the path of a cargo-deny of the pinned version, and builds it first where the cache has
# none. The cache is outside of the checkout and keyed by version, so it is built once a machine.
set -euo pipefail

version=0.20.2
root="${XDG_CACHE_HOME:-$HOME/.cache}/wellhead/cargo-deny/$version"

if [[ ! -x "$root/bin/cargo-deny" ]]; then
    echo "cargo-deny $version: not in the cache, building it (once a machine)" >&2
    started=$SECONDS
    mkdir -p "$(dirname "$root")"
    # Built beside its place and moved there whole: an interrupted build leaves nothing behind
    # that looks finished.
    scratch=$(mktemp -d "$root.XXXXXX")
    trap 'rm -rf "$scratch"' EXIT
    # It runs for a second and is built on the critical path of a fresh machine, so its own
    # profile (one codegen unit, fat LTO) would cost minutes and give nothing.
    CARGO_TARGET_DIR="$scratch/target" \
    CARGO_PROFILE_RELEASE_LTO=off \
    CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
    CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
        cargo install cargo-deny --quiet --locked --version "$version" --root "$scratch/root" >&2
    # Another run may have been faster; one of the two is as good as the other.
    if [[ ! -x "$root/bin/cargo-deny" ]]; then
        rm -rf "$root"
        mv "$scratch/root" "$root"
    fi
    echo "cargo-deny $version: built in $((SECONDS - started)) s" >&2
fi
echo "$root/bin/cargo-deny"
