"""`python -m expression`: the same as the installed command `expression`."""

from .cli.app import program

if __name__ == "__main__":
    program()
