# pyright: basic, reportMissingImports=false
"""The released DCT-Net pipeline, kept in one process so that it can be timed and its pictures compared with ours.

    .reference-env/bin/python tests/bench/released_pipeline.py MODEL_DIR

runs in the environment that make_reference_env.sh makes, imports nothing of ours and needs no network. It reads
one JSON object a line from stdin and answers each with one line on stdout; everything that libraries print goes to
stderr. It ends when stdin does.

A request: {"photo": path, "out": path of a PNG or null, "faces": [five [x, y] each, ...]}. Without "faces", or
with null, the released code looks for faces itself, with the graphs in MODEL_DIR. With them it is given these, and
draws them in this order; an empty list is a photo without a face. Points are as in core.faces.Face: pixels of the
photo, (0, 0) the top left corner of the top left pixel; eye, eye, nose, mouth's corner, mouth's corner, left to
right.

The answer: {"seconds", "height", "width", "faces", "error"}. `seconds` is the pipeline's call alone, from a
decoded photo to the array it returns; `height` and `width` are those of what it returns, which can be smaller than
the photo when there is no face; `faces` is their number; `error` is null, or says what went wrong, and then the
others are null. The first answer is slow: TensorFlow prepares its graphs then.
"""

import argparse
import json
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any, TextIO

import cv2
import numpy as np


def main() -> None:
    parser = argparse.ArgumentParser(description="Runs the released DCT-Net pipeline on photos named on stdin.")
    parser.add_argument("model_dir", type=Path, help="the folder with cartoon_bg.pb, cartoon_h.pb and alpha.jpg")
    model_dir: Path = parser.parse_args().model_dir
    if not (model_dir / "configuration.json").is_file():
        parser.error(f"{model_dir} holds no configuration.json; give the folder of a downloaded DCT-Net model.")
    answers = _stdout_for_answers_only()
    released = ReleasedPipeline(model_dir)
    for line in sys.stdin:
        print(json.dumps(_answer(released, line)), file=answers, flush=True)


class ReleasedPipeline:
    """The pipeline as modelscope builds it. Only the way to the faces can be replaced, one photo at a time."""

    def __init__(self, model_dir: Path) -> None:
        os.environ["HF_HUB_OFFLINE"] = "1"  # of what modelscope imports, this could call home
        from modelscope.pipelines import pipeline
        from modelscope.utils.constant import Tasks

        # A relative path with one slash in it would be looked up as a model's name on the network.
        self._pipeline: Any = pipeline(Tasks.image_portrait_stylization, model=str(model_dir.resolve()))
        self._detect_face = self._pipeline.detect_face

    def draw(self, photo: np.ndarray, faces: list[list[list[float]]] | None) -> tuple[np.ndarray, float, int]:
        """What the pipeline returns for a photo, uint8 RGB [H, W, 3]; the seconds it took; how many faces it drew.

        The array is BGR: float32 [H, W, 3] where it drew a face, else uint8 [h, w, 3] with the shorter side at
        most 720.
        """
        found: list[Any] = []

        def detect_face(picture: np.ndarray) -> np.ndarray | None:
            landmarks = self._detect_face(picture) if faces is None else _landmarks(faces, photo, picture)
            found.extend(() if landmarks is None else landmarks)
            return landmarks

        self._pipeline.detect_face = detect_face
        bgr = photo[:, :, ::-1]  # which is what it takes arrays for
        started = time.perf_counter()
        cartoon = self._pipeline(bgr)["output_img"]
        return cartoon, time.perf_counter() - started, len(found)


def _landmarks(faces: list[list[list[float]]], photo: np.ndarray, picture: np.ndarray) -> np.ndarray | None:
    """68 points for each face, float64 [faces, 68, 2], from which the pipeline takes exactly the given five.

    It has resized the photo to `picture`, and counts pixels from the first one's centre.
    """
    if not faces:
        return None
    scale = np.divide(picture.shape[1::-1], photo.shape[1::-1])
    points = np.array(faces, np.float64) * scale - 0.5
    landmarks = np.zeros((len(faces), 68, 2))
    # An eye of no extent has no pupil to look for, so that the pipeline takes the mean of its points.
    landmarks[:, 36:42] = points[:, 0:1]
    landmarks[:, 42:48] = points[:, 1:2]
    landmarks[:, [30, 48, 54]] = points[:, 2:]
    return landmarks


def _answer(released: ReleasedPipeline, line: str) -> dict[str, Any]:
    try:
        request = json.loads(line)
        from modelscope.preprocessors import LoadImage

        photo = LoadImage.convert_to_ndarray(request["photo"])
        cartoon, seconds, faces = released.draw(photo, request.get("faces"))
        # The way of the model's card; OpenCV rounds floats to the nearest integer.
        if request.get("out") and not cv2.imwrite(request["out"], cartoon):
            raise OSError(f"cannot write {request['out']}")
    except Exception as error:  # one bad photo fails one photo
        traceback.print_exc()
        answer = dict.fromkeys(("seconds", "height", "width", "faces"))
        return {**answer, "error": f"{type(error).__name__}: {error}"}
    height, width = cartoon.shape[:2]
    return {"seconds": seconds, "height": height, "width": width, "faces": faces, "error": None}


def _stdout_for_answers_only() -> TextIO:
    """What was stdout; from here on whatever is printed, by Python or by a library in C++, goes to stderr."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answers


if __name__ == "__main__":
    main()
