"""``python -m skillstats`` is the command line."""

from skillstats.cli import main

if __name__ == "__main__":
    main()
