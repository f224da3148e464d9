#!/usr/bin/env bash
# Run the tests with other versions of the direct dependencies than the locked ones:
# test_versions.sh BIN (lowest-direct|highest) JOBS
# An environment of its own below build/ is made anew each time; what was chosen stands beside it.
set -euo pipefail
bin=$1
resolution=$2
jobs=$3
folder=build/versions-$resolution
rm -rf "$folder"
mkdir -p "$folder"
"$bin/uv" pip compile --quiet --resolution "$resolution" --no-header --no-annotate --no-emit-index-url \
    --python-version 3.11 --extra editable --extra dev --output-file "$folder/requirements.txt" pyproject.toml
echo "与锁定版本不同的："
comm -13 <(sed -n 's/^\([a-z0-9._-]*==[^ ]*\).*/\1/p' requirements-dev.lock | sort) <(sort "$folder/requirements.txt")
"$bin/python" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$folder/requirements.txt"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
"$folder/venv/bin/python" -m pytest -n "$jobs" --dist loadgroup
