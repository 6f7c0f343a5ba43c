#!/bin/sh
# Installs the clients of OpenSpace that other people wrote, as pinned in package-lock.json and requirements.txt.
# Safe to repeat: what is there already is not fetched again.
set -eu
cd "$(dirname "$0")"

if ! cmp -s package-lock.json node_modules/.installed; then
  npm ci --ignore-scripts --no-audit --no-fund
  cp package-lock.json node_modules/.installed
fi

if ! cmp -s requirements.txt venv/.installed; then
  python3 -m venv venv
  venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
  cp requirements.txt venv/.installed
fi
