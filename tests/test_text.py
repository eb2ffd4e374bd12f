from lss_cli.text import join_words


def test_lists_in_sentences():
    assert join_words(["a"]) == "a"
    assert join_words(["a", "b", "c"]) == "a, b and c"
