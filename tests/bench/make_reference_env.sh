#!/usr/bin/env bash
# Makes the environment in which tests/bench/released_pipeline.py runs: TensorFlow and modelscope, apart from ours.
#
#   tests/bench/make_reference_env.sh [DIR]     DIR is .reference-env at the project root unless given
#
# It takes a few minutes and 3 GB, or several more where pip brings a torch with CUDA. Run again, it only adds
# what is missing.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
env="${1:-$root/.reference-env}"
python="${PYTHON:-python3}"

packages=(
    tensorflow-cpu
    modelscope
    # What modelscope imports on the way to this pipeline without asking pip for it.
    addict datasets easydict numpy opencv-python-headless pillow simplejson sortedcontainers
    "torch>=2.9,<=2.13.0"
)

if [ ! -x "$env/bin/python" ]; then
    echo "Making a virtual environment in $env."
    # Works where Debian's python3-venv is not installed: the outer pip installs into the inner Python.
    "$python" -m venv --without-pip "$env"
fi
echo "Installing TensorFlow, modelscope and what its cartoon pipeline needs; the first time takes a few minutes."
# The versions of everything that we use too are ours, so that a difference in pixels is a difference in drawing.
"$python" -m pip --python "$env/bin/python" install --quiet --disable-pip-version-check \
    --constraint "$root/constraints.txt" "${packages[@]}"

echo "Looking whether the pipeline can be imported."
if ! "$env/bin/python" -c "import modelscope.pipelines.cv.image_cartoon_pipeline" 2>"$env/import.log"; then
    cat "$env/import.log" >&2
    echo "It cannot; the lines above say why. A module that is missing belongs in the list in this script." >&2
    exit 1
fi
echo "Ready. Try it: $env/bin/python $root/tests/bench/released_pipeline.py MODEL_DIR"
