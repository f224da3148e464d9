#!/usr/bin/env bash
# Pin every dependency with its hashes (names, versions, hashes; no addresses): lock.sh BIN
set -euo pipefail
bin=$1
compile() {
    "$bin/uv" pip compile --quiet --generate-hashes --no-header --no-annotate --no-emit-index-url \
        --python-version 3.11 --extra editable "$@" pyproject.toml
}
compile --upgrade --extra build --output-file requirements.lock
# The other files hold the first one's versions: what serves a store that is built, and the tools of the tests.
compile --constraint requirements.lock --output-file requirements-serve.lock
compile --constraint requirements.lock --extra dev --output-file requirements-dev.lock
