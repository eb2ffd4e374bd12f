import numpy as np

from lss_cli.evaluation.predictions import read_predictions
from lss_cli.evaluation.scopes import scopes_of
from tests.evaluation.handmade import COLUMNS, rows, write

GROUPS = ("side", "level", "severity", "distance")


def part_of(tmp_path, *changes):
    made = [row | change for row, change in zip(rows(), changes, strict=False)]
    names = list(dict.fromkeys([*COLUMNS, *(name for row in made for name in row)]))
    return read_predictions(write(tmp_path / "p.csv", made, names)).part("all")


def side(name):
    return {"condition": f"{name}_subarticular_stenosis"}


def test_each_group_has_every_row_once(tmp_path):
    changes = [
        side("left" if number % 3 else "right") | {"distance": ["0", "1.0", "", "2"][number % 4]}
        for number in range(40)
    ]
    scopes = scopes_of(part_of(tmp_path, *changes))
    for group in GROUPS:
        members = [scope.rows for scope in scopes.values() if scope.group == group]
        assert np.sort(np.concatenate(members)).tolist() == list(range(40))
    names = [name for name, scope in scopes.items() if scope.group in {"side", "distance"}]
    assert names == [
        *("left", "right"),
        *("annotated slice", "one slice off", "2 slices off", "distance unknown"),
    ]


def test_a_mirrored_row_belongs_to_its_own_side(tmp_path):
    made = rows()[:2]
    ids = [f"{row['study_id']}_right_subarticular_stenosis_l1_l2" for row in made]
    left = f"{made[1]['study_id']}_left_subarticular_stenosis_l2_l3"
    part = part_of(
        tmp_path,
        side("left") | {"row_id": ids[0], "level": "L1/L2"},
        side("left") | {"row_id": left, "level": "L2/L3"},
    )
    assert part.sides.tolist() == ["right", "left"]


def test_what_all_rows_have_in_common_is_not_said_again(tmp_path):
    part = part_of(tmp_path, *[side("left") | {"distance": "0"}] * 10)
    assert {scope.group for scope in scopes_of(part).values()} == {"all", "level", "severity"}
