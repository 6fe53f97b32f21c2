"""`python -m expression`: the same as the installed command `expression`."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
