"""``python -m readyup`` is the command ``readyup``."""

from readyup.cli import main

if __name__ == "__main__":
    main()
