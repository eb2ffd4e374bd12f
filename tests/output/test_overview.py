from lss_cli.output.overview import study_lines

LEFT = "left_subarticular_stenosis"


def row(study, level, *possible, warnings=(), condition=LEFT):
    return {
        "study_id": study,
        "condition": condition,
        "level": level,
        "grade": possible[-1] if possible else None,
        "possible": list(possible),
        "warnings": list(warnings),
        "reason": "" if possible else "no level",
    }


def test_doubtful_studies_come_first_and_severe_ones_before_others():
    lines = study_lines(
        [
            row("mild", "L1/L2", "Normal/Mild"),
            row("severe", "L1/L2", "Normal/Mild"),
            row("severe", "L4/L5", "Severe"),
            row("doubt", "L1/L2", "Moderate", warnings=["look", "and look"]),
            row("doubt", "L2/L3", "Normal/Mild", warnings=["look"]),
            row("unsure", "L1/L2", "Moderate", "Severe"),
            row("unsure", "L2/L3", "Severe"),
            row("unsure", "L3/L4", "Severe"),
            row("", "L9", condition=None),
        ]
    )
    assert [line.study_id for line in lines] == ["", "unsure", "doubt", "severe", "mild"]
    nothing, unsure, doubt, severe, mild = lines
    assert (nothing.worst, nothing.doubts) == ("", "1 not graded")
    assert nothing.reasons == {"no level": 1}
    assert (unsure.worst, unsure.doubts) == ("Severe", "1 uncertain")
    assert unsure.where == {"Left Subarticular Stenosis": "L1/L2 (possible), L2/L3, L3/L4"}
    assert doubt.doubts == "3 warnings"
    assert doubt.warnings == {"look": 2, "and look": 1}
    assert (severe.worst, severe.graded, severe.doubts) == ("Severe", 2, "")
    assert mild.worst == "Normal/Mild"
