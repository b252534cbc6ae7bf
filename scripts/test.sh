#!/usr/bin/env bash
# Everything that has to hold, in an environment of its own: style, types on three platforms, the import rule, all tests.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
[ -x .venv-test/bin/python ] || "$python" -m venv .venv-test
bin=.venv-test/bin
# The tests' own patient: a CPU build where the index offers one under this version, small and quick to install.
"$bin/python" -m pip install --quiet --disable-pip-version-check "torch==2.13.0"
"$bin/python" -m pip install --quiet --disable-pip-version-check -e ".[test,dev]"
"$bin/ruff" check .
"$bin/ruff" format --check .
for platform in linux darwin win32; do
  "$bin/mypy" --platform "$platform"
done
"$bin/lint-imports"
"$bin/python" -m pytest -n "${TEST_JOBS:-2}" "$@"
