import numpy as np
from PIL import Image


def test_one_picture_per_level(predict, tmp_path):
    code, _, err = predict("--picture", tmp_path / "pictures")
    assert code == 0
    names = sorted(path.name for path in (tmp_path / "pictures").iterdir())
    assert len(names) == 10
    assert names[0] == "left_subarticular_stenosis_l1_l2.png"
    assert err.count("Written: ") == 10
    with Image.open(tmp_path / "pictures" / names[0]) as image:
        assert np.asarray(image.convert("L")).std() > 20
