#!/usr/bin/env bash
# A night from cron, on any machine with a clone of the repository and its keys in the environment. For the crontab:
#
#   MAILTO=team@example.com
#   17 3 * * *  /srv/chatbot/examples/ci/cron.sh
#
# Cron mails what is printed: nothing where the night passed, all of it otherwise. Exit codes are the gate's; 75: another
# night is still under way.
set -euo pipefail

night() {
    local here told code=0
    here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
    cd "$(git -C "$here" rev-parse --show-toplevel)"
    git pull --quiet --ff-only
    mkdir -p .harness
    # Two nights at the same time would not see each other.
    told=$(flock --nonblock --conflict-exit-code 75 .harness/night.lock "$here/nightly.sh" "$@" 2>&1) || code=$?
    if [ "$code" -ne 0 ]; then
        printf '%s\nThe night ended with exit code %s.\n' "$told" "$code"
    fi
    exit "$code"
}

# A function is read whole before it runs: the pull may replace this file.
night "$@"
