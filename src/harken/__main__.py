"""``python -m harken``: the command line, where the command ``harken`` itself is not on the path."""

from harken.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
