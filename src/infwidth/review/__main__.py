"""`python -m infwidth.review paper/*`."""

import sys

from infwidth.review.command import main

# Processes that are spawned for the work look for it anywhere but here.
if __name__ == "__main__":
    sys.exit(main())
