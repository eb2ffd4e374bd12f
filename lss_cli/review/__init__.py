"""Many studies, confirmed one after the other: a queue in the browser, then the report."""
