#!/usr/bin/env bash
# Make a run the baseline of nights. For people: what is promoted is what every later night is measured by.
#
#   promote.sh [CONFIG]      [configs/nightly.yaml]
#
#   REASON     why; kept in the registry's history
#   RUN        the run to promote  [CONFIG is asked afresh]
#
# RUNS, BASELINE and REPEATS: see nightly.sh. HARNESS_USER: who does it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=examples/ci/refusal.sh
source "$here/refusal.sh"
# shellcheck source=examples/ci/runs.sh
source "$here/runs.sh"

forget
config=${1:-configs/nightly.yaml}
runs=${RUNS:-$(workspace_of "$config")/runs}
if [ -z "${REASON:-}" ]; then
    refuse "set REASON to why this becomes ${BASELINE:-production}"
fi
run=${RUN:-}
if [ -z "$run" ]; then
    # Not out of the cache: the provider's model may have changed since, and that may be why a person is here.
    made=$(harness sweep "$config" --fresh --repeats "${REPEATS:-10}" --runs "$runs" --json --quiet)
    run=$(run_of "$made")
fi
told=$(harness promote "$run" --as "${BASELINE:-production}" --reason "$REASON" --runs "$runs")
printf '%s\n' "$told"
if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
    printf '## Promoted\n\n```text\n%s\n```\n' "$told" >>"$GITHUB_STEP_SUMMARY"
fi
