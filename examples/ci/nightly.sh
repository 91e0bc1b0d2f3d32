#!/usr/bin/env bash
# One night: CONFIG, asked afresh, against the run that the registry calls production.
#
#   nightly.sh [CONFIG]      [configs/nightly.yaml]
#
#   RUNS       where runs, registry and nights are kept: a folder, or s3://bucket/runs  [runs of the workspace]
#   BASELINE   the alias of the registry                                                [production]
#   REPEATS    answers to each question in a first run, which tell the noise of nights  [10]
#
# REPORT and ON_CANNOT_TELL: see gate.sh. Where nothing is called production yet, a run that could be is made, and the
# night ends with exit code 2: only a person promotes (promote.sh).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=examples/ci/refusal.sh
source "$here/refusal.sh"
# shellcheck source=examples/ci/runs.sh
source "$here/runs.sh"

config=${1:-configs/nightly.yaml}
workspace=$(workspace_of "$config")
runs=${RUNS:-$workspace/runs}
baseline=${BASELINE:-production}

forget
# A registry that cannot be read ends the night here; it is not taken for one without a baseline.
registry=$(harness registry list --json --runs "$runs") || refuse "the registry in $runs cannot be read; see the log"
aliases=$(python3 -c 'import json, sys
print("\n".join(entry["alias"] for entry in json.load(sys.stdin)["aliases"]))' <<<"$registry")
if ! grep -qxF -- "$baseline" <<<"$aliases"; then
    made=$(harness sweep "$config" --repeats "${REPEATS:-10}" --runs "$runs" --json --quiet) ||
        refuse "nothing is called $baseline yet, and the run that could be failed; see the log"
    run=$(run_of "$made")
    refuse "nothing is called $baseline yet, so this night compared nothing. It made $run, which could be:
look at it (harness show $run), then run promote.sh with RUN=$run and a REASON."
fi

# The configuration that was promoted, as it was: asked again where there is an alarm, it tells our change from a
# provider's.
control=$workspace/.control.yaml
trap 'rm -f "$control"' EXIT
harness registry show "$baseline" --yaml --runs "$runs" >"$control" ||
    refuse "what $baseline names cannot be read; see the log"
"$here/gate.sh" "$config" --baseline "$baseline" --nightly --control "$control" --runs "$runs"
