"""`python -m rillet` is the same program as `rillet`."""

from rillet.cli import main

if __name__ == "__main__":
    main()
