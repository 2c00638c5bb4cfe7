"""`make bench`: every benchmark, one after the other; prints their tables and writes `var/bench.json`."""

from bench import turns

if __name__ == "__main__":
    turns.main()
