import subprocess
import sys

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


def test_the_table_comes_first_then_how_far_the_pictures_are(study, coords, tiny_model, tmp_path):
    code = "from lss_cli.cli.main import main; main()"
    options = ["--coords", coords, "--model", tiny_model, "--picture", tmp_path / "pictures"]
    run = subprocess.run(
        [sys.executable, "-u", "-c", code, "predict", study, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    places = [
        run.stdout.index(text)
        for text in ("Not a medical device", "0 of 10 pictures", "10 of 10 pictures", "Written: ")
    ]
    assert places == sorted(places)
