from matplotlib.figure import Figure
from PIL import Image

from lss_cli.render.plot import STYLE, save, style


def test_equal_plots_are_equal_files_in_both_formats(tmp_path):
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        with style():
            figure = Figure(figsize=(2, 1))
            # A name is text, whatever signs it holds.
            figure.add_subplot().set_title("$x_1$")
        save(figure, folder, "plot")
    names = ["plot.png", "plot.svg"]
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == names
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    with Image.open(tmp_path / "a" / "plot.png") as image:
        assert image.size == (2 * STYLE["savefig.dpi"], STYLE["savefig.dpi"])
