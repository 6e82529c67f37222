"""`python -m infwidth.multiverse`: see `command`."""

import sys

from infwidth.multiverse.command import main

sys.exit(main())
