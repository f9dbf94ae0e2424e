# Sourced by every script: where things are. The names in the cache carry a hash of what their content is made from, so
# that a changed list of packages never meets an old folder. cmake/librdkafka.cmake knows the name of WEIR_RDKAFKA too.
WEIR_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
WEIR_CACHE=${WEIR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/weir}
. /etc/os-release

weir_hash() { cat "$@" | sha256sum | cut -c1-12; }
# fail TEXT...: one line on stderr, and the end.
fail() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# What the scripts call before their work: script/setup, and then the names again, since they depend on what it installed.
weir_setup() {
    "$WEIR_ROOT/script/setup" "$@"
    . "$WEIR_ROOT/script/lib/env.sh"
}

WEIR_RDKAFKA=$WEIR_CACHE/librdkafka-$ID${VERSION_ID:-}-$(uname -m)
WEIR_KAFKA_HOME=$WEIR_CACHE/kafka-$(cd "$WEIR_ROOT/script/lib/kafka" && weir_hash pom.xml jars.sha256 log4j2.properties)
WEIR_REGISTRY_HOME=$WEIR_CACHE/registry-$(cd "$WEIR_ROOT/script/lib/registry" && weir_hash apicurio.sha256 java.txt)
WEIR_VENV=$WEIR_CACHE/python-$(weir_hash "$WEIR_ROOT/script/requirements.txt" <(realpath "$(command -v python3)" 2>&1))
WEIR_PYTHON=$WEIR_VENV/bin/python
WEIR_PEERS=$WEIR_CACHE/peers-$(cd "$WEIR_ROOT/bench/peers" && weir_hash streams/pom.xml streams/jars.sha256 \
    python/requirements.txt <(echo "$WEIR_VENV"))
export WEIR_CACHE WEIR_KAFKA_HOME WEIR_REGISTRY_HOME WEIR_PYTHON WEIR_PEERS
