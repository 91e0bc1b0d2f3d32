#!/usr/bin/env bash
# Gate a change: its configuration against that of the commit that it goes on top of. Both are run now, on the change's
# questions, most of it out of the cache; no stored baseline is needed.
#
#   gate-pull-request.sh BASE [CONFIG]      BASE: a commit; CONFIG, within the repository  [configs/nightly.yaml]
#
# REPORT and ON_CANNOT_TELL: see gate.sh.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=examples/ci/refusal.sh
source "$here/refusal.sh"
# shellcheck source=examples/ci/runs.sh
source "$here/runs.sh"

base=${1:?which commit is the base?}
config=${2:-configs/nightly.yaml}
cd "$(git rev-parse --show-toplevel)"
commit=$(git rev-parse --verify --quiet "$base^{commit}") ||
    refuse "the commit $base is not here; fetch it (GitHub: fetch-depth: 2, GitLab: GIT_DEPTH: 0)"
git cat-file -e "$commit:$config" 2>/dev/null ||
    refuse "the base, $commit, has no $config: nothing to compare with; look at this change yourself"

workspace=$(workspace_of "$config")
tree=$(mktemp -d)
trap 'git worktree remove --force "$tree/base" 2>/dev/null || true; rm -rf "$tree"' EXIT
git worktree add --quiet --detach "$tree/base" "$commit"

# One cache for both: what the change leaves alone is asked once, and answered alike.
mkdir -p "$workspace/.harness"
ln -s "$(cd "$workspace/.harness" && pwd)" "$tree/base/$workspace/.harness"
"$here/gate.sh" "$config" --baseline "$tree/base/$config" --runs "$workspace/runs"
