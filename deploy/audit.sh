#!/usr/bin/env bash
# Compare the locked packages with known weaknesses (pip-audit), where its database can be reached; else say so.
# Ends with 1 only where a weakness was found. pip-audit lives in an environment of its own, so that auditing adds nothing to what is run.
set -uo pipefail
cd "$(dirname "$0")/.."
python="${PYTHON:-.venv/bin/python}"
own="${SHOLU_AUDIT_HOME:-var/audit}"
if ! "$own/bin/python" -m pip_audit --version >/dev/null 2>&1; then
  "$python" -m venv "$own" && "$own/bin/python" -m pip install --quiet --disable-pip-version-check pip-audit
fi >/dev/null 2>&1
if ! "$own/bin/python" -m pip_audit --version >/dev/null 2>&1; then
  echo "Not audited: pip-audit could not be installed into $own (no package registry can be reached)."
  exit 0
fi
told="$(timeout 300 "$own/bin/python" -m pip_audit --disable-pip --require-hashes --progress-spinner off -f json -r requirements/run.lock 2>"$own/said")"
# It ends with 0 where every package was passed over, so its exit code alone proves nothing.
"$python" - "$own/said" <<'PYTHON' "$told"
import json
import sys

said, told = sys.argv[1:3]
try:
    packages = json.loads(told)["dependencies"]
except (ValueError, KeyError):
    last = open(said, encoding="utf-8", errors="replace").read().strip().splitlines()[-1:]
    print("Not audited: the database of weaknesses could not be reached.", *last)
    sys.exit(0)
weak = [one for one in packages if one.get("vulns")]
passed_over = [one for one in packages if "skip_reason" in one]
for one in weak:
    for each in one["vulns"]:
        mended = ", ".join(each["fix_versions"]) or "none yet"
        print(f"{one['name']} {one['version']}: {each['id']}; mended in: {mended}")
if len(passed_over) == len(packages):
    print(f"Not audited: the database of weaknesses knows none of the {len(packages)} packages; is it a mirror without one?")
else:
    left = f"; {len(passed_over)} could not be looked up" if passed_over else ""
    print(f"{len(packages) - len(passed_over)} of {len(packages)} packages compared, {len(weak)} with known weaknesses{left}.")
sys.exit(1 if weak else 0)
PYTHON
