# Sourced by the scripts beside it: where runs are, and what they are called.

# workspace_of CONFIG: the folder that a sweep file's paths count from, as the harness has it.
workspace_of() {
    local folder
    folder=$(dirname "$1")
    if [ "$(basename "$folder")" = configs ]; then
        folder=$(dirname "$folder")
    fi
    printf '%s\n' "$folder"
}

# run_of JSON: the run of a sweep with one variant, of what `harness sweep --json` printed.
run_of() {
    python3 -c 'import json, sys; [run] = json.load(sys.stdin)["runs"]; print(run["run"])' <<<"$1"
}
