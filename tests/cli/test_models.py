import shutil

import pytest

from lss_cli.model.session import load_model


@pytest.mark.parametrize("width", [40, 200])
def test_nothing_is_cut_however_narrow_the_terminal(lss, tiny_model, tmp_path, width):
    shutil.copy(tiny_model, tmp_path / "tiny.onnx")
    code, out, _ = lss("models", models=tmp_path, width=width)
    assert code == 0
    licence = load_model(tiny_model).metadata.licence
    assert out.splitlines() == [
        "tiny",
        "  grades: left_subarticular_stenosis and right_subarticular_stenosis",
        "  trained on: nothing at all",
        "  held-out figures: accuracy 0.500",
        "  grade: the likeliest",
        f"  licence: {licence}",
        f"Cards: {tmp_path}",
    ]
