#!/usr/bin/env bash
# Builds the stock generators from source into components, for the host to embed:
#
#   plugins/build.sh              target/plugins/NAME.wasm and NAME.wasm.zst, JavaScript's engine among them, and what
#                                 Python's SDK has in C, python.so
#   plugins/build.sh --lint       only looks through what is compiled for WebAssembly alone
#   plugins/build.sh --fixtures   also the misbehaving ones of the tests, target/fixtures/*.wasm
#
# `target` is $CARGO_TARGET_DIR where that is set. Two checkouts in different folders give the same
# bytes with the same compiler; another compiler gives others. What is up to date stays as it is.
#
# The compiler for wasm32-unknown-unknown is, in this order: the one of the Rust toolchain in use;
# the same after `rustup target add` (given up after WELLHEAD_RUSTUP_TIMEOUT seconds, 20 unless
# set, for a network may swallow packets for minutes); Debian's packages, installed when this runs
# as root. WELLHEAD_GUEST_TOOLCHAIN=rustup or =debian takes that one and no other. What is in C takes
# clang and lld besides (16 or newer), which are installed likewise; the host is built without it else.
set -euo pipefail

readonly TARGET=wasm32-unknown-unknown
readonly STOCK=(transaction device-log user-profile machine-signal iot-sensor replay template)
readonly DEBIAN_PACKAGES=(rustc-web cargo-web rust-web-src lld-22)
# A thousand instances have to fit into 2 MiB each, so the stack is not the usual 1 MiB.
readonly STACK_BYTES=65536
# The engine's code recurses with the author's: `STACK` of plugins/javascript/src/bundle.rs.
readonly ENGINE_STACK_BYTES=262144

cd "$(dirname "${BASH_SOURCE[0]}")/.."
ROOT=$(pwd -P)
readonly ROOT

say() { printf 'plugins: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

with_fixtures=false
only_lint=false
for argument in "$@"; do
    case $argument in
        --fixtures) with_fixtures=true ;;
        --lint) only_lint=true ;;
        *) fail "unknown argument $argument; usage: plugins/build.sh [--fixtures | --lint]" ;;
    esac
done

# Cargo takes a relative CARGO_TARGET_DIR from the folder it runs in, which is the root here.
target_dir=${CARGO_TARGET_DIR:-target}
mkdir -p "$target_dir"
target_dir=$(cd "$target_dir" && pwd -P)
export CARGO_TARGET_DIR=$target_dir
readonly CORES_DIR=$target_dir/$TARGET

# --- Which compiler ----------------------------------------------------------------------------

# Whether the toolchain in use has the target whole: rustup lists a component once it is complete.
toolchain_has_target() {
    local rustlib
    rustlib=$(rustc --print sysroot 2>/dev/null)/lib/rustlib || return 1
    [[ -n $(compgen -G "$rustlib/$TARGET/lib/libcore-*.rlib") ]] || return 1
    [[ ! -f $rustlib/components ]] || grep -qx "rust-std-$TARGET" "$rustlib/components"
}

# Adds the target by rustup, within a bound, and leaves nothing half installed behind.
rustup_add_target() {
    local limit=${WELLHEAD_RUSTUP_TIMEOUT:-20} log rustlib
    command -v rustup >/dev/null && command -v timeout >/dev/null || return 1
    say "adding $TARGET by rustup, for at most $limit s"
    log=$(timeout --kill-after=5 "$limit" rustup target add "$TARGET" 2>&1) || true
    if toolchain_has_target; then
        return 0
    fi
    # What rustup was stopped in the middle of: without this its next attempt would find files in
    # its way.
    rustlib=$(rustc --print sysroot)/lib/rustlib
    if [[ -d $rustlib/$TARGET && -f $rustlib/components ]]; then
        rm -rf -- "${rustlib:?}/$TARGET"
    fi
    say "rustup could not: $(tail -n 1 <<<"${log:-no answer in $limit s}")"
    return 1
}

debian_linker() {
    local name
    for name in wasm-ld-22 wasm-ld; do
        if command -v "$name"; then return 0; fi
    done
    return 1
}

debian_is_ready() {
    local rustlib
    [[ -x /usr/bin/rustc && -x /usr/bin/cargo ]] && debian_linker >/dev/null || return 1
    rustlib=$(/usr/bin/rustc --print sysroot)/lib/rustlib
    [[ -f $rustlib/src/rust/library/core/Cargo.toml ]]
}

# apt_install WHY PACKAGES...
apt_install() {
    command -v apt-get >/dev/null && [[ $(id -u) == 0 ]] || return 1
    say "installing Debian's ${*:2}, for $1"
    local install=(apt-get install -y -q --no-install-recommends "${@:2}")
    export DEBIAN_FRONTEND=noninteractive
    if ! "${install[@]}" >/dev/null 2>&1; then
        apt-get update -q >/dev/null 2>&1 && "${install[@]}" >/dev/null
    fi
}

debian_install() { apt_install "the generators" "${DEBIAN_PACKAGES[@]}" && debian_is_ready; }

choose_toolchain() {
    local wanted=${WELLHEAD_GUEST_TOOLCHAIN:-auto}
    if [[ $wanted != debian ]]; then
        if toolchain_has_target || rustup_add_target; then
            toolchain=rustup
            say "compiling with $(rustc --version)"
            return
        fi
    fi
    if [[ $wanted != rustup ]]; then
        if debian_is_ready || debian_install; then
            toolchain=debian
            say "compiling with Debian's $(/usr/bin/rustc --version)"
            return
        fi
    fi
    fail "no compiler for $TARGET: type 'rustup target add $TARGET', or as root on Debian" \
        "'apt-get install ${DEBIAN_PACKAGES[*]}'"
}

# --- Compiling ---------------------------------------------------------------------------------

# guest_flags STACK_BYTES: one flag a line, since paths may have spaces in them.
guest_flags() {
    printf '%s\n' \
        -Ctarget-feature=+simd128,+bulk-memory \
        "-Clink-arg=-zstack-size=$1" \
        -Clink-arg=--stack-first \
        '--cfg=getrandom_backend="unsupported"' \
        "--remap-path-prefix=$ROOT=/wellhead" \
        "--remap-path-prefix=$target_dir=/target" \
        "--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
}

# Cargo for guests. The encoded flags go before any RUSTFLAGS that the caller has set, which are
# meant for the host.
guest_cargo() { cargo_with_stack "$STACK_BYTES" guest "$@"; }

# cargo_with_stack BYTES PROFILE ARGUMENTS...: other flags take another profile, which has a folder of its own. In one
# place they would have each other's libraries compiled again, then the generators, and then the host around these.
cargo_with_stack() {
    local flags profile=$2
    flags=$(guest_flags "$1" | paste -s -d $'\x1f')
    shift 2
    local arguments=(build --quiet --profile "$profile" --target "$TARGET" "$@")
    if [[ $toolchain == rustup ]]; then
        CARGO_ENCODED_RUSTFLAGS=$flags cargo "${arguments[@]}"
    else
        # Debian's compiler comes with the standard library's sources alone.
        CARGO_ENCODED_RUSTFLAGS=$flags RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 \
            CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$(debian_linker) \
            /usr/bin/cargo "${arguments[@]}" -Zbuild-std=std,panic_abort
    fi
}

# core_of NAME [PROFILE]: the file that cargo makes of a library: its name with underscores.
core_of() { printf '%s/%s/%s.wasm' "$CORES_DIR" "${2:-guest}" "${1//-/_}"; }

# up_to_date OUTPUT INPUT...: whether OUTPUT is there and no INPUT is newer.
up_to_date() {
    local output=$1 input
    shift
    [[ -f $output ]] || return 1
    for input in "$@"; do
        [[ ! $input -nt $output ]] || return 1
    done
}

build_pack() {
    say "building wellhead-pack"
    # With the workspace's features, so that its dependencies aren't compiled once more for it alone.
    cargo build --quiet --release --workspace --bin wellhead-pack
    # A copy that stays as old as it is while nothing changes: other builds put others in its place, and what is newer
    # than the generators has them packed again, and the host compiled again around them.
    local built=$target_dir/release/wellhead-pack
    pack=$target_dir/plugins/wellhead-pack
    mkdir -p "$target_dir/plugins"
    cmp -s "$built" "$pack" || cp "$built" "$pack"
}

build_stock() {
    local name out=$target_dir/plugins packages=()
    for name in "${STOCK[@]}"; do
        packages+=(-p "wellhead-$name")
    done
    mkdir -p "$out"
    say "building ${STOCK[*]}"
    guest_cargo "${packages[@]}"
    for name in "${STOCK[@]}"; do
        local core
        core=$(core_of "$name")
        if up_to_date "$out/$name.wasm" "$core" "$pack" && [[ -f $out/$name.wasm.zst ]]; then
            say "$name is up to date"
        else
            "$pack" "$core" "$out/$name.wasm" --zstd "$out/$name.wasm.zst"
            say "$name: $(wc -c <"$out/$name.wasm") bytes, $(wc -c <"$out/$name.wasm.zst") compressed"
        fi
    done
}

# The newest first, as for generators in C: host/src/project/clang.rs; older ones than 16 link no module for Python.
find_clang() {
    local version
    for version in -22 -21 -20 -19 '' -18 -17 -16; do
        if clang=$(command -v "clang$version") && clang_linker=$(command -v "wasm-ld$version") \
            && (($("$clang" -dumpversion | cut -d. -f1) >= 16)); then
            return 0
        fi
    done
    return 1
}

clang_install() {
    local packages=(clang lld)
    if apt-cache policy clang-22 2>/dev/null | grep -q 'Candidate: [^(]'; then packages=(clang-22 lld-22); fi
    apt_install "JavaScript's engine and Python's module" "${packages[@]}" && find_clang
}

readonly WASM_C_FLAGS=(-O2 -mbulk-memory -msign-ext -mnontrapping-fptoint)

# engine_cargo COMMAND...: the command, with what compiles the engine's C for what Rust's code is compiled for, at
# the level at which its loop is fastest (by 4 %); an archive of objects is all that is asked of ar.
engine_cargo() {
    CC_wasm32_unknown_unknown=$clang AR_wasm32_unknown_unknown=ar \
        CFLAGS_wasm32_unknown_unknown=${WASM_C_FLAGS[*]} "$@"
}

# The rest is linted natively.
lint_engine() {
    local clang clang_linker
    if find_clang && [[ $toolchain == rustup ]]; then
        engine_cargo cargo clippy --quiet --profile engine --target "$TARGET" -p wellhead-javascript -- -D warnings
    else
        say "NOT LINTED: plugins/javascript, which takes clang, lld and rustup's $TARGET"
    fi
}

build_in_c() {
    local clang clang_linker
    find_clang || clang_install || {
        say "NO JAVASCRIPT, AND SLOW PYTHON: \`wellhead plugin build\` will not build JavaScript or TypeScript, and not have" \
            "what is in C for Python, until clang and lld (16 or newer) are installed and this has run again"
        return
    }
    build_engine
    build_python
}

# A core module, which the host makes a component of once it has loaded a bundle.
build_engine() {
    local core out=$target_dir/plugins/javascript.wasm.zst
    say "building JavaScript's engine with $clang"
    engine_cargo cargo_with_stack "$ENGINE_STACK_BYTES" engine -p wellhead-javascript
    core=$(core_of javascript engine)
    if up_to_date "$out" "$core" "$pack"; then
        say "the engine is up to date"
    else
        "$pack" --core "$core" --zstd "$out"
        say "javascript: $(wc -c <"$core") bytes, $(wc -c <"$out") compressed"
    fi
}

# An extension module of the Python that componentize-py links into components, as that needs it: a shared library,
# whose names are found when it is linked.
build_python() {
    local made=$target_dir/plugins/python.so.new out=$target_dir/plugins/python.so log
    say "building Python's module with $clang"
    local link=(-fuse-ld="$clang_linker" -nostdlib -Wl,--no-entry,--export=PyInit__wellhead,--strip-debug
        -Wl,--unresolved-symbols=import-dynamic)
    if ! log=$("$clang" --target=wasm32-wasip1 "${WASM_C_FLAGS[@]}" -Wall -Wextra -Wno-cast-function-type -fPIC -shared \
        -fvisibility=hidden -nostdlibinc -isystem plugins/sdk-c/libc "${link[@]}" plugins/python/module.c -o "$made" 2>&1)
    then
        say "SLOW PYTHON: its module takes a clang and lld of 16 or newer, and $clang said: $log"
        return
    fi
    # What the linker always says of shared libraries.
    sed '/not yet stable/d; /^$/d' <<<"$log" >&2
    # A file that stays as old as it is while nothing changes, so that the host isn't compiled again around it.
    cmp -s "$made" "$out" || cp "$made" "$out"
    rm "$made"
    say "python: $(wc -c <"$out") bytes"
}

choose_toolchain
if $only_lint; then
    lint_engine
    exit
fi
build_pack
build_stock
build_in_c
if $with_fixtures; then
    # shellcheck source=../tests/fixtures/build.sh
    source tests/fixtures/build.sh
    build_fixtures
fi
