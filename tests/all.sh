#!/usr/bin/env bash
# Everything that has to hold: form, lints, links of the documentation, tests, the examples in the guides,
# NumPy's reading of the same files, drawing and reducing once more on OpenGL, and the Python package as it is
# installed. Leaves something below the target folder alone. Goes on after a failure, so that one run tells all
# of them, and then exits with 1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

target=$(cargo metadata --locked --format-version 1 --no-deps | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
logs=$target/test-logs
mkdir -p "$logs"

# Mesa complains on every start when it has no such folder.
if [[ -z ${XDG_RUNTIME_DIR:-} ]]; then
    XDG_RUNTIME_DIR=$(mktemp -d)
    export XDG_RUNTIME_DIR
    trap 'rm -rf "$XDG_RUNTIME_DIR"' EXIT
fi

# What a test needs of the machine has to be there: without it the test fails, and is not skipped. The
# example dumps are no part of the repository; a copy of it without them can say DNNVIZ_REQUIRE_DUMPS=0.
export DNNVIZ_REQUIRE_GPU=${DNNVIZ_REQUIRE_GPU-1}
export DNNVIZ_REQUIRE_PYTHON=${DNNVIZ_REQUIRE_PYTHON-1}
export DNNVIZ_REQUIRE_DUMPS=${DNNVIZ_REQUIRE_DUMPS-1}

ran=()
failed=()
declare -A seconds
# run NAME COMMAND…: shows what the command says, keeps it in a log, and notes how long it took and if it failed.
run() {
    local name=$1 start=$SECONDS
    shift
    ran+=("$name")
    printf '\n── %s\n' "$name"
    "$@" 2>&1 | tee "$logs/$name.log" || failed+=("$name")
    seconds[$name]=$((SECONDS - start))
}

cases() {
    if cargo nextest --version >/dev/null 2>&1; then
        cargo nextest run --locked "$@"
    else
        cargo test --locked --no-fail-fast "$@"
    fi
}

# The Python environment is made anew when its list changes, while Rust is compiled.
python=$target/test-venv
environment() {
    cmp -s tests/requirements.txt "$python/requirements.txt" && return
    rm -rf "$python"
    python3 -m venv "$python" &&
        "$python/bin/pip" install --quiet --disable-pip-version-check -r tests/requirements.txt &&
        cp tests/requirements.txt "$python/requirements.txt"
}
environment >"$logs/environment.log" 2>&1 &
environment=$!

# A picture of the demo, drawn by OpenGL.
still_on_open_gl() {
    local told
    told=$("$DNNVIZ_BIN" render assets/demo -o "$logs/open-gl.png") || return
    printf '%s\n' "$told"
    [[ $told == *OpenGL* && -s $logs/open-gl.png ]]
}

# The package, with the viewer that the other tests have built: no second one for release.
package() {
    MATURIN_PEP517_ARGS="--profile dev --locked" python3 -m pip install --quiet \
        --disable-pip-version-check --no-build-isolation --no-deps --force-reinstall .
}

python_types() {
    mypy --cache-dir "$target/mypy-cache" python/dnnviz
}

run format cargo fmt --all --check
run lints cargo clippy --locked --all-targets -- -D warnings
run docs env RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --lib
run build cargo test --locked --no-run
wait "$environment" || { cat "$logs/environment.log"; exit 1; }
export PATH="$python/bin:$PATH"
# Without naming targets: that alone builds the examples as the programs that some tests run.
run tests cases
run examples cargo test --locked --doc
run open-gl env WGPU_BACKEND=gl "$BASH" -c "$(declare -f cases); cases --test raycast --test aggregate --test painting"
cargo build --locked --bin dnnviz
export DNNVIZ_BIN=$target/debug/dnnviz
WGPU_BACKEND=gl run open-gl-still still_on_open_gl
run numpy python3 -m pytest -q tests
run python-format ruff format --no-cache --check python
run python-lints ruff check --no-cache python
run python-types python_types
run package package
# The package that is installed, not the source beside it.
run python env -u PYTHONPATH python3 -m pytest -q python/tests

printf '\n── the last words of each\n'
for name in "${ran[@]}"; do
    printf '%s: %d s\n' "$name" "${seconds[$name]}"
    words=$(grep -hE 'Summary \[' "$logs/$name.log" ||
        grep -hE 'test result:|[0-9]+ (passed|failed).* in ' "$logs/$name.log" || true)
    [[ -z $words ]] || sed "s/^ */$name: /" <<<"$words"
done
if ((${#failed[@]})); then
    printf 'FAILED: %s\n' "${failed[*]}"
    exit 1
fi
printf 'all passed: %s\n' "${ran[*]}"
