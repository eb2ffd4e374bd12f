"""Points of one study become grades, with what speaks against relying on them."""
