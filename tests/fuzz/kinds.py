"""The kinds of input that are fuzzed: of each, a corpus made from phantoms, and one case."""

import json
import math
import tomllib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import onnx
import pydicom

from lss_cli.grading.grade import grade_study
from lss_cli.model.metadata import METADATA_KEY, ModelMetadata
from lss_cli.model.session import load_model
from lss_cli.output.json_document import to_json
from lss_cli.points.table import read_points
from lss_cli.study.study import read_study
from tests.dicom import axial_stack, image, multi_frame, save
from tests.fuzz import mutators
from tests.fuzz.oracle import PATIENT, BrokenError, check_text, may_refuse, run_lss
from tests.models import metadata, write_tiny_model

pydicom.config.settings.reading_validation_mode = pydicom.config.WARN
pydicom.config.settings.writing_validation_mode = pydicom.config.IGNORE

# What a kind is: from a folder for its corpus to what makes and tries one case.
Case = Callable[[Random], None]

HEIGHTS = (8, 4, 0, -4, -8)
POINTS = """study_id,series_id,instance_number,condition,level,x,y
study,1.2.3.4,2,Left Subarticular Stenosis,L3/L4,36.5,30
study,1.2.3.4,3,Left Subarticular Stenosis,L4/L5,37,31.25
study,1.2.3.4,3,Right Subarticular Stenosis,L4/L5,26,31
study,1.2.3.4,4,Right Subarticular Stenosis,L5/S1,27,32
"""


def write_study(folder: Path) -> list[Path]:
    """Five axial slices."""
    folder.mkdir(parents=True, exist_ok=True)
    return sorted(save(axial_stack(HEIGHTS, PatientName=f"{PATIENT}^A"), folder).iterdir())


def write_points(folder: Path) -> Path:
    """Points in the study of `write_study`."""
    path = folder / "points.csv"
    path.write_text(POINTS)
    return path


def dicom(folder: Path) -> Case:
    """Damaged DICOM files through the whole of ``lss predict``."""
    study, model = folder / "study", write_tiny_model(folder / "tiny.onnx")
    files, coords = write_study(study), write_points(folder)
    contents = {file: file.read_bytes() for file in files}
    frames = folder / "frames.dcm"
    multi_frame(axial_stack(HEIGHTS)).save_as(frames, enforce_file_format=True)
    frames_content = frames.read_bytes()
    given, loaded = read_points(coords)[0], load_model(model, threads=1)
    outputs = {name: folder / f"out.{name}" for name in ("csv", "json", "html", "dcm")}

    def changed(random: Random, file: Path) -> bytes:
        content = contents[file] if random.random() < 0.9 else frames_content
        if random.random() < 0.4:
            return mutators.mutate_bytes(random, content)
        dataset = pydicom.dcmread(pydicom.filebase.DicomBytesIO(content))
        mutators.mutate_dataset(random, dataset)
        buffer = pydicom.filebase.DicomBytesIO()
        try:
            if random.random() < 0.2:
                mutators.change_syntax(random, dataset)
            dataset.save_as(buffer)
        except Exception:
            # pydicom cannot write everything that others do.
            return mutators.mutate_bytes(random, content)
        return buffer.getvalue()

    def case(random: Random) -> None:
        for file in files:
            file.write_bytes(contents[file])
        for file in random.sample(files, random.choice([1, 1, 2, 5])):
            file.write_bytes(changed(random, file))
        if random.random() < 0.7:
            with may_refuse():
                result = grade_study(read_study(study), given, [], loaded)
                to_json(result)
                check_text(" ".join(row.reason for row in result.levels), "a reason")
            return
        for path in outputs.values():
            path.unlink(missing_ok=True)
        wanted: list[Any] = ["--csv", outputs["csv"], "--json", outputs["json"]]
        if random.random() < 0.2:
            wanted += ["--dicom-sr", outputs["dcm"]]
        run_lss("predict", study, "--coords", coords, "--model", model, *wanted)
        for name in ("csv", "json"):
            if outputs[name].exists():
                check_text(outputs[name].read_text("utf-8"), name, control=True)

    return case


def points(folder: Path) -> Case:
    """Damaged tables of points, as CSV and as JSON."""
    rows = [dict(zip(POINTS.split("\n", maxsplit=1)[0].split(","), row.split(","), strict=True))
            for row in POINTS.split("\n")[1:-1]]  # fmt: skip
    paths = folder / "points.csv", folder / "points.json"

    def case(random: Random) -> None:
        path = random.choice(paths)
        if path.suffix == ".json":
            path.write_bytes(mutators.mutate_json(random, rows))
        else:
            path.write_bytes(mutators.mutate_text(random, POINTS))
        with may_refuse():
            good, bad = read_points(path, random.choice([(), ("study",), ("other",)]))
            for point in good:
                if not (math.isfinite(point.x) and math.isfinite(point.y)):
                    raise BrokenError("a point that is nowhere", f"{point.x}, {point.y}")
            for row in bad:
                check_text(row.reason, "a reason", control=True)

    return case


def models(folder: Path) -> Case:
    """Damaged model files: their bytes, and what they say of themselves."""
    path = write_tiny_model(folder / "tiny.onnx")
    content = path.read_bytes()
    model = onnx.load(path)
    document = json.loads(metadata().to_json())

    def case(random: Random) -> None:
        if random.random() < 0.3:
            path.write_bytes(mutators.mutate_bytes(random, content))
        else:
            text = mutators.mutate_json(random, document).decode("utf-8", "replace")
            if random.random() < 0.7:
                # What `load_model` takes for a description that cannot be used.
                with suppress(ValueError, OverflowError, RecursionError):
                    ModelMetadata.from_json(text)
            onnx.helper.set_model_props(model, {METADATA_KEY: text})
            path.write_bytes(model.SerializeToString())
        with may_refuse():
            read = load_model(path, threads=1)
            check_text(read.card.label + read.card.trained_on, "the card")
            _ = read.metadata.key_figures

    return case


def predictions(folder: Path) -> Case:
    """Damaged tables of predictions, read and measured."""
    from lss_cli.evaluation.sources import read_run

    header = "row_id,study_id,condition,level,split,severity,normal_mild,moderate,severe"
    levels, severities = ("L3/L4", "L4/L5", "L5/S1"), ("Normal/Mild", "Moderate", "Severe")
    rows = [
        f"{study}_left_subarticular_stenosis_{level.lower().replace('/', '_')},{study},"
        f"left_subarticular_stenosis,{level},test,{severities[(study + at) % 3]},0.5,0.3,0.2"
        for study in range(5)
        for at, level in enumerate(levels)
    ]
    text = "\n".join([header, *rows, ""])

    def case(random: Random) -> None:
        (folder / "predictions.csv").write_bytes(mutators.mutate_text(random, text))
        with may_refuse():
            part = read_run(folder).part("test")
            if not ((part.probabilities >= 0) & (part.probabilities <= 1)).all():
                raise BrokenError("a probability outside of 0 to 1")
            _ = part.labels, part.levels

    return case


def images(folder: Path) -> Case:
    """Damaged image tables, and images."""
    import numpy as np
    from PIL import Image

    from lss_cli.dataset.sources.image_table import ImageTable

    header = "image,study_id,series_id,instance_number,condition,level,severity,x,y"
    rows = [
        f"{number}.png,{number // 3},1,{number},Left Subarticular Stenosis,L{number % 3 + 2}/"
        f"L{number % 3 + 3},Moderate,20,20.5"
        for number in range(6)
    ]
    text = "\n".join([header, *rows, ""])
    Image.fromarray(np.arange(1600, dtype=np.uint8).reshape(40, 40)).save(folder / "0.png")
    np.save(folder / "0.npy", np.zeros((40, 40), np.uint16))
    contents = {suffix: (folder / f"0.{suffix}").read_bytes() for suffix in ("png", "npy")}

    def case(random: Random) -> None:
        from lss_cli.dataset.sources.base import PointRef
        from lss_cli.dataset.sources.image_table import Unusable

        table = folder / "images.csv"
        if random.random() < 0.6:
            table.write_bytes(mutators.mutate_text(random, text))
            with may_refuse():
                master = ImageTable(table).master_table()
                if len(master) and not {"reason", "detail"} <= set(master):
                    raise BrokenError("rows without a reason")
            return
        suffix = random.choice(list(contents))
        name = f"1.{suffix}"
        (folder / name).write_bytes(mutators.mutate_bytes(random, contents[suffix]))
        table.write_text(text.replace("0.png", name))
        source = ImageTable(table)
        study = source.open_study("0")
        with may_refuse(), suppress(Unusable):
            study.at(_point_ref(PointRef, source.master_table().iloc[0]), 1)

    return case


def _point_ref(kind: Any, row: Any) -> Any:
    """A row's point, as `prepare` makes it."""
    import dataclasses

    known = {field.name: field.type for field in dataclasses.fields(kind)}
    values = {name: row[name] for name in known if name in row}
    for name in ("instance_number", "line"):
        if name in values:
            values[name] = int(float(values[name]))
    for name in ("x", "y"):
        values[name] = float(values[name])
    return kind(**values)


def runs(folder: Path) -> Case:
    """Damaged run folders and prepared data."""
    from lss_cli.dataset.prepared import Prepared
    from lss_cli.training.ensemble import open_runs
    from lss_cli.training.run import Run, begun_options

    config = {
        "options": {"backbone": "custom", "epochs": 3, "seed": 1},
        "data": {"folder": str(folder), "fingerprint": "x", "fold": None},
        "temperature": 1.0,
        "best_epoch": 2,
        "versions": {"python": "3"},
    }
    spec = json.loads(metadata().to_json())["input"]
    report = {"fingerprint": "x", "tables_only": False, "input": spec, "counts": {"train": 1}}
    (folder / "state").mkdir()
    (folder / "model.keras").write_bytes(b"PK\x03\x04")

    def case(random: Random) -> None:
        content = mutators.mutate_json(random, config)
        for path in (folder / "config.json", folder / "state" / "config.json"):
            path.write_bytes(content)
        (folder / "metrics.json").write_bytes(mutators.mutate_json(random, {"test": {"model": {}}}))
        (folder / "prepare.json").write_bytes(mutators.mutate_json(random, report))
        for read in (Run.open, lambda run: open_runs([run]), begun_options, Prepared.open):
            with may_refuse():
                read(folder)

    return case


def toml(folder: Path) -> Case:
    """Damaged TOML: options, and spaces to be searched."""
    from lss_cli.options import read_toml
    from lss_cli.training.options import TrainingOptions
    from lss_cli.training.space import read_space

    text = TrainingOptions().to_toml()
    space = 'activation = ["relu", "tanh"]\nlearning_rate = {low = 1e-4, high = 1e-2, log = true}\n'
    tomllib.loads(text + "\n" + space.partition("\n")[0].replace("activation", "x"))
    path = folder / "options.toml"

    def case(random: Random) -> None:
        with may_refuse():
            if random.random() < 0.5:
                path.write_bytes(mutators.mutate_text(random, text))
                TrainingOptions.from_mapping(read_toml(path), path.name)
            else:
                path.write_bytes(mutators.mutate_text(random, space))
                read_space(path)

    return case


def journal(folder: Path) -> Case:
    """Damaged journals of unfinished reports."""
    from lss_cli.batch.journal import Journal
    from lss_cli.output.rows import COLUMNS, LISTS, NUMBERS

    run = {"model": "tiny", "points": "abc", "options": [1, None, "x"]}
    numbers, lists = dict.fromkeys(NUMBERS, 1), {name: ["x"] for name in LISTS}
    row = dict.fromkeys(COLUMNS, "x") | numbers | lists
    lines = [{"run": run}] + [
        {"study_id": str(number), "lost": number == 2, "rows": [row, row]} for number in range(4)
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    path = folder / "report.journal"

    def case(random: Random) -> None:
        if random.random() < 0.5:
            content = mutators.mutate_text(random, text)
        else:
            at = random.randrange(len(lines))
            changed = [json.dumps(line).encode() for line in lines]
            changed[at] = mutators.mutate_json(random, lines[at])
            content = b"\n".join([*changed, b""])
        path.write_bytes(content)
        with may_refuse():
            opened = Journal.resume(path, run)
            try:
                studies = list(opened.offsets)
                if len(list(opened.rows(studies))) < 0 or not all(map(str, studies)):
                    raise BrokenError("a study without a name")
            finally:
                opened.close()

    return case


def study_of(folder: Path) -> Any:
    """The study of `write_study` with a sagittal series, its headers read."""
    write_study(folder / "study")
    side = image((0, 0, 0), (0, 1, 0, 0, 0, -1), series="1.2.3.5", description="SAG T2")
    save([side], folder / "study" / "side")
    return read_study(folder / "study")
