# Sourced by the scripts beside it: how they end where there is nothing to decide on.

# What an earlier gate left must not be taken for the pages of this one.
forget() {
    local report=${REPORT:-gate-report}
    rm -f "$report/junit.xml" "$report/gate.md" "$report/gate.prom"
}

# refuse TEXT: on stderr, as gate.md in the report, as an annotation and in the job's summary where there are such; exit 2.
refuse() {
    local report=${REPORT:-gate-report}
    printf 'gate: %s\n' "$1" >&2
    forget
    mkdir -p "$report"
    printf '## Gate: not run\n\nNothing was decided; this is no pass.\n\n%s\n' "$1" >"$report/gate.md"
    if [ -n "${GITHUB_ACTIONS:-}" ]; then
        printf '::error title=Gate::%s\n' "${1//$'\n'/%0A}"
    fi
    if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
        cat "$report/gate.md" >>"$GITHUB_STEP_SUMMARY"
    fi
    exit 2
}
