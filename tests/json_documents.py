"""JSON documents as tests walk through them."""


def places(value, path=()):
    """The paths of all values in a JSON document, the document itself aside."""
    children = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in children:
        yield (*path, key)
        if isinstance(child, dict | list):
            yield from places(child, (*path, key))
