"""``python -m resonaut``: the same as the command ``resonaut``."""

from resonaut.cli import main

main()
