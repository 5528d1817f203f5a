#!/usr/bin/env bash
# Sets up what the tests need, then runs linter, formatter, every test and the type checker: bash tests/run.sh [pytest arguments]
#
# The packages go into .venv-tests (PYTHON=… chooses the interpreter) and are installed again only when the
# requirements or the interpreter change. Chromium is fetched with apt-get where root can; without it the browser
# tests are skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

suits() { # is $1 a Python that runs and that torch 2.11 and its company support?
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null
}

find_python() {
    local candidate candidates=(python3.12 python3.11 python3 python)
    if [[ -n ${PYTHON:-} ]]; then
        candidates=("$PYTHON")
    fi
    for candidate in "${candidates[@]}"; do
        if suits "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    echo "tests/run.sh: needs Python 3.11 or 3.12; name one with PYTHON=/path/to/python" >&2
    return 1
}

install_packages() {
    local python stamp wanted
    python=$(find_python)
    stamp=.venv-tests/installed
    wanted=$("$python" --version; cat requirements.txt tests/requirements.txt tests/parity/requirements.txt)
    if [[ ! -f $stamp || $(<"$stamp") != "$wanted" ]]; then
        rm -rf .venv-tests
        "$python" -m venv .venv-tests
        .venv-tests/bin/python -m pip install --quiet --disable-pip-version-check \
            -r requirements.txt -r tests/requirements.txt
        .venv-tests/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
            -r tests/parity/requirements.txt
        printf '%s\n' "$wanted" >"$stamp"
    fi
}

has_chromium() {
    command -v chromium || command -v chromium-browser || command -v google-chrome
}

has_chinese_font() {
    [[ -n $(fc-list :lang=zh 2>/dev/null) ]]
}

install_browser() {
    if has_chromium >/dev/null && has_chinese_font; then
        return
    fi
    if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
        echo "tests/run.sh: Chromium or a Chinese font is missing (Debian: apt-get install chromium fonts-noto-cjk)" >&2
        return
    fi
    export DEBIAN_FRONTEND=noninteractive
    if ! { apt-get update -qq && apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends \
        chromium fontconfig fonts-noto-cjk; } >/dev/null; then
        echo "tests/run.sh: apt-get failed; the browser tests will be skipped if Chromium is missing" >&2
    fi
}

install_packages
install_browser
.venv-tests/bin/python -m ruff check .
.venv-tests/bin/python -m ruff format --check .
# the type checker takes a minute of one core: beside the tests, and told after them
told=$(mktemp)
.venv-tests/bin/basedpyright --pythonpath .venv-tests/bin/python >"$told" 2>&1 &
checker=$!
trap 'kill "$checker" 2>/dev/null || true; rm -f "$told"' EXIT
# one worker a core, each with its own page and models, which compute on that core; with one more they only wait, and Ray's processes die
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
tested=0 checked=0
.venv-tests/bin/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder "$@" || tested=$?
wait "$checker" || checked=$?
cat "$told"
exit $((tested ? tested : checked))
