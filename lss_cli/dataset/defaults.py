"""What `lss prepare` does unless told otherwise; light, since every ``--help`` shows it."""

from lss_cli.input_spec import InputSpec

DEFAULT_SPEC = InputSpec(size=(80, 64), field_mm=(36.0, 30.0), shift_mm=6.0)
"""From the lateral recess to beyond the midline. Of cut-outs of 53 × 36 mm around the canal, 97 %
hold it wholly; a square that wide around the point fits into 18 %."""

DEFAULT_SPLIT = "80:10:10"
"""Training, validation and test, by studies: the study's proportions."""
