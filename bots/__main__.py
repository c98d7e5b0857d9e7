"""`python -m bots` is `cartoonbot`."""

from bots.cli import main

main()
