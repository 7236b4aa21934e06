"""`python -m spanmatch` is the command `spanmatch`."""

from spanmatch.cli.main import main

if __name__ == "__main__":
    main()
