#!/usr/bin/env bash
# The REST interface against its own description: schemathesis makes requests of it, right and wrong
# ones, and checks each answer. Once without tokens and once with. Needs python3 and its venv module.
set -euo pipefail
shopt -s inherit_errexit

program=${WELLHEAD_PROGRAM:-target/release/wellhead}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/wellhead/schemathesis
version=4.32.5
here=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
examples=${FUZZ_EXAMPLES:-50}

[[ -x $program ]] || { echo "fuzz: $program isn't there: run \`make build\` first" >&2; exit 2; }
if [[ ! -x $cache/$version/bin/schemathesis ]]; then
    rm -rf "$cache"
    mkdir -p "$cache"
    python3 -m venv "$cache/$version" && "$cache/$version/bin/pip" install -q "schemathesis==$version" ||
        { rm -rf "$cache"; echo "fuzz: schemathesis can't be installed: is there python3 with venv and pip (Debian: python3-venv)?" >&2; exit 2; }
fi

folder=$(mktemp -d)
server=
finish() {
    [[ ! $server ]] || kill "$server" 2>/dev/null || true
    [[ ! $server ]] || wait "$server" 2>/dev/null || true
    rm -rf "$folder"
}
trap finish EXIT

# serve NAME: a server with a data folder of that name; its address goes to `base`.
serve() {
    (cd "$folder" && exec env XDG_STATE_HOME="$folder/state" XDG_CONFIG_HOME="$folder/config" \
        "$program" serve --listen 127.0.0.1:0 --data "$1" --settings "$folder/settings.toml" 2>"$folder/said") &
    server=$!
    local tries
    for ((tries = 0; tries < 300; tries++)); do
        base=$(sed -n 's|.*serves \(http://[^ ]*\).*|\1|p' "$folder/said")
        [[ ! $base ]] || return 0
        sleep 0.1
    done
    echo "fuzz: the server doesn't begin: $(cat "$folder/said")" >&2
    return 1
}

program=$(realpath "$program")
cat >"$folder/settings.toml" <<SETTINGS
[connections.readings]
type = "sqlite"
path = "$folder/readings.db"
[signals]
connection = "readings"
table = "signals"
SETTINGS
(cd "$folder" && XDG_STATE_HOME=$folder/state "$program" run machine-signal --records 1000 --load max \
    --to "sqlite:readings.db?table=signals" 2>/dev/null)

# fuzz NAME [FLAG…]
fuzz() {
    local name=$1
    shift
    serve "$name"
    echo "fuzz: $name, $base" >&2
    # What it remembers of its requests lies in the folder too.
    (cd "$folder" && SCHEMATHESIS_HOOKS="$here/hooks.py" "$cache/$version/bin/schemathesis" \
        --config-file "$here/schemathesis.toml" run "$base/openapi.json" --checks all \
        --max-examples "$examples" --request-timeout 30 --exclude-path-regex '/events$' "$@")
    kill -0 "$server" || { echo "fuzz: the server is gone" >&2; return 1; }
    kill "$server"
    wait "$server" 2>/dev/null || true
    server=
}

fuzz without-tokens
token=$("$program" token new --data "$folder/with-tokens" --role admin)
fuzz with-tokens --header "Authorization: Bearer $token"
