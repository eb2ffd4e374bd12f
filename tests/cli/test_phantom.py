def test_a_phantom_can_be_graded_at_once(lss, tmp_path, tiny_model):
    code, _, err = lss("phantom", tmp_path / "new", "--seed", "5")
    assert code == 0
    assert "Wrote 1 synthetic studies" in err
    (study,) = (tmp_path / "new" / "train_images").iterdir()
    coords = tmp_path / "new" / "train_label_coordinates.csv"
    assert lss("predict", study, "--coords", coords, "--model", tiny_model)[0] == 0


def test_a_folder_with_something_in_it_is_left_alone(lss, tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    code, _, err = lss("phantom", tmp_path)
    assert code == 3
    assert "not an empty folder" in err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
