"""What the page sends."""

MARK = {
    "condition": "left_subarticular_stenosis",
    "level": "L1/L2",
    "series": 0,
    "slice": 2,
    "x": 10.5,
    "y": 20,
}
ABSENT = {"condition": "right_subarticular_stenosis", "level": "L5/S1", "not_visible": True}
