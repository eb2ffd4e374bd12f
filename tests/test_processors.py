import os

import pytest

from lss_cli.processors import processors


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux has affinity")
def test_only_processors_that_may_be_used_count():
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert processors() == 1
    finally:
        os.sched_setaffinity(0, before)
    assert processors() == len(before)
