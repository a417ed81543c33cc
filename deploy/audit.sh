#!/usr/bin/env bash
# Compare the locked packages with known weaknesses, where pip-audit is installed and its database can be reached; else say so.
# Ends with 1 only where a weakness was found.
set -uo pipefail
cd "$(dirname "$0")/.."
python="${PYTHON:-.venv/bin/python}"
if ! "$python" -m pip_audit --version >/dev/null 2>&1; then
  echo "Not audited: pip-audit is not installed (it is not among the locked packages; install it beside them if you want this)."
  exit 0
fi
said="$("$python" -m pip_audit --disable-pip --require-hashes --progress-spinner off -r requirements/run.lock 2>&1)"
code=$?
echo "$said"
if [ "$code" -ne 0 ] && ! grep -qi "known vulnerabilit" <<<"$said"; then
  echo "Not audited: the database of weaknesses could not be reached, or pip-audit failed; see above."
  exit 0
fi
exit "$code"
