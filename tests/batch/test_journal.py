import json

from tests.batch.studies import (
    copies,
)


def test_an_unfinished_report_is_not_thrown_away(three_phantoms, report, tmp_path):
    studies, coords = copies(three_phantoms, tmp_path, ["a"])
    journal = tmp_path / "report.csv.unfinished"
    journal.write_text('{"run": {"model": "another"}}\n')
    code, _, err = report(studies, coords)
    assert (code, "--resume, or delete" in err) == (3, True)
    code, _, err = report(studies, coords, "--resume")
    assert (code, "another version of lss, model, table of points" in err) == (3, True)
    assert journal.exists()
    journal.unlink()
    assert report(studies, coords, "--resume")[0] == 0


def test_a_line_that_a_power_cut_left_unfinished_is_done_again(three_phantoms, report, tmp_path):
    studies, coords = copies(three_phantoms, tmp_path, ["a", "b"])
    assert report(studies, coords)[0] == 0
    whole = (tmp_path / "report.csv").read_bytes()
    assert report([studies / "a"], coords, "--resume", out="half.csv")[0] == 0
    run = json.loads((tmp_path / "report.json").read_text())["run"]
    lines = [json.dumps({"run": run}), '{"study_id": "a", "lost": fal']
    (tmp_path / "report.csv.unfinished").write_text("\n".join(lines))
    assert report(studies, coords, "--resume")[0] == 0
    assert (tmp_path / "report.csv").read_bytes() == whole
