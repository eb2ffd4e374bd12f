"""``python -m tests.fuzz``."""

import sys

from tests.fuzz.runner import main

# The processes that are started read this module as well.
if __name__ == "__main__":
    sys.exit(main())
