"""The folder of photos in flight: a source and a result a photo, named by the photo's number."""

from collections.abc import Collection
from pathlib import Path


class Spool:
    """Names the files; what is in them is for others to write. Created when first used."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def source(self, photo_id: int) -> Path:
        """Where the photo's bytes are, as they came."""
        return self._folder / f"{photo_id}.source"

    def result(self, photo_id: int, file_format: str) -> Path:
        """Where its cartoon is."""
        return self._folder / f"{photo_id}.{file_format}"

    def forget(self, photo_id: int) -> None:
        """Remove all files of a photo, finished or not."""
        for path in self._folder.glob(f"{photo_id}.*"):
            path.unlink(missing_ok=True)

    def sweep(self, wanted: Collection[int]) -> int:
        """Remove the files of all photos but the wanted ones; how many were removed."""
        keep = {str(photo_id) for photo_id in wanted}
        orphans = [path for path in self._folder.iterdir() if path.name.split(".")[0] not in keep]
        for path in orphans:
            path.unlink(missing_ok=True)
        return len(orphans)
