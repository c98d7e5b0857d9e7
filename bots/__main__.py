"""`python -m bots` is `cartoonbot`."""

from bots.cli import main

if __name__ == "__main__":
    main()
