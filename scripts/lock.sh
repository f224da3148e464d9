#!/usr/bin/env bash
# Pin every dependency with its hashes (names, versions, hashes; no addresses): lock.sh BIN
set -euo pipefail
bin=$1
compile() {
    "$bin/pip-compile" --quiet --strip-extras --allow-unsafe --generate-hashes --no-header --no-annotate \
        --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options "$@" pyproject.toml
}
compile --extra editable --output-file requirements.lock
compile --extra editable --extra dev --output-file requirements-dev.lock
