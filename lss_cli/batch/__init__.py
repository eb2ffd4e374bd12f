"""Many studies: planned, graded by workers or a cluster, journalled, and written as one report."""
