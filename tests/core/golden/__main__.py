"""`python -m tests.core.golden` renews the golden drawings."""

from PIL import Image

from core.styles import registry
from tests.core import golden

for style in registry.BUILT_IN:
    for photo in golden.FACES:
        file = golden.file_of(style, photo)
        Image.fromarray(golden.drawn(style, photo)).save(file, optimize=True)
        print(f"Renewed {file.name}.")
