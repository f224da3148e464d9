#!/usr/bin/env bash
# Pin every dependency with its hashes (names, versions, hashes; no addresses): lock.sh BIN
set -euo pipefail
bin=$1
compile() {
    "$bin/uv" pip compile --quiet --generate-hashes --no-header --no-annotate --no-emit-index-url \
        --python-version 3.11 --extra editable "$@" pyproject.toml
}
compile --upgrade --output-file requirements.lock
# The second file holds the first one's versions and adds the tools of the tests.
compile --constraint requirements.lock --extra dev --output-file requirements-dev.lock
