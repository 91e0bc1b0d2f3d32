#!/usr/bin/env bash
# Run `harness gate ARGUMENTS`, leave the pages that a CI shows, and end with the gate's exit code.
#
#   REPORT           folder of junit.xml, gate.md and gate.prom  [gate-report]
#   ON_CANNOT_TELL   fail: exit 4. warn: exit 0 with a warning   [fail]
set -euo pipefail
# shellcheck source=examples/ci/refusal.sh
source "$(dirname "${BASH_SOURCE[0]}")/refusal.sh"

report=${REPORT:-gate-report}
policy=${ON_CANNOT_TELL:-fail}
case $policy in
fail | warn) ;;
*) refuse "ON_CANNOT_TELL must be fail or warn, found '$policy'" ;;
esac

forget
pages=(--junit "$report/junit.xml" --markdown "$report/gate.md" --openmetrics "$report/gate.prom")
if [ -n "${GITHUB_ACTIONS:-}" ]; then
    pages+=(--github)
fi

code=0
harness gate "$@" "${pages[@]}" --quiet || code=$?
# Where the job that ran is: in a comment on a pull request nobody would find it otherwise.
job=${CI_JOB_URL:-}
if [ -n "${GITHUB_RUN_ID:-}" ]; then
    job=$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID
fi
if [ -n "$job" ] && [ -f "$report/gate.md" ]; then
    printf '\n[The job, with its log and artifacts](%s)\n' "$job" >>"$report/gate.md"
fi
if [ -n "${GITHUB_STEP_SUMMARY:-}" ] && [ -f "$report/gate.md" ]; then
    cat "$report/gate.md" >>"$GITHUB_STEP_SUMMARY"
fi
if [ "$code" -eq 4 ] && [ "$policy" = warn ]; then
    echo "The gate cannot tell (exit 4); ON_CANNOT_TELL=warn lets that through." >&2
    if [ -n "${GITHUB_ACTIONS:-}" ]; then
        echo "::warning title=Gate::Cannot tell, and let through all the same: ON_CANNOT_TELL=warn"
    fi
    code=0
fi
exit "$code"
