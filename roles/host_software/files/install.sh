#!/bin/sh
# install.sh PYTHON ARCHIVE RELEASE TRIAL MARKER: makes the virtual environment RELEASE from the wheels in the tar ARCHIVE,
# which is removed; runs the Python code TRIAL in it; and, if that went well, lists the wheels in its file MARKER.
set -eu
python="$1"
archive="$2"
release="$3"
trial="$4"
marker="$5"

wheels="$(mktemp -d)"
trap 'rm -rf "$wheels" "$archive"' EXIT
tar -xf "$archive" -C "$wheels"
umask 022
mkdir -p "${release%/*}"
# --clear: a virtual environment does not survive a new Python of the distribution, and a broken one is made again.
# pip comes as a wheel and runs out of it: the release needs none, and the host no python3-venv. A wheelhouse that was made
# elsewhere may lack it; then the host's own is taken.
set -- "$wheels"/pip-*.whl
if [ -e "$1" ]; then
    "$python" -m venv --clear --without-pip "$release"
    mkdir "$wheels/tool"
    mv "$1" "$wheels/tool/"
    PYTHONPATH="$wheels/tool/${1##*/}"
    export PYTHONPATH
else
    "$python" -m venv --clear "$release"
fi
"$release/bin/python" -m pip install --no-index --no-cache-dir --quiet --disable-pip-version-check \
    --root-user-action ignore "$wheels"/*.whl
unset PYTHONPATH
"$release/bin/python" -c "$trial"
(cd "$wheels" && ls ./*.whl) >"$release/$marker"
