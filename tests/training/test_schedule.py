import pytest

from lss_cli.training.options import TrainingOptions
from lss_cli.training.schedule import Stage, best_epoch, learning_rate, should_stop, stages

STAGE = Stage("whole", 10, 0.1)


def test_the_rate_falls_on_each_plateau():
    options = TrainingOptions(lr_factor=0.5, lr_patience=2)
    losses = [3, 2, 2.1, 2.2, 2.3, 2.4, 1.0, 1.1]
    rates = [learning_rate(options, STAGE, losses[:count]) for count in range(9)]
    assert rates == pytest.approx([0.1] * 4 + [0.05, 0.05, 0.025, 0.025, 0.025])


def test_the_rate_follows_a_cosine_or_stays():
    cosine = [
        learning_rate(TrainingOptions(schedule="cosine"), STAGE, [1.0] * done) for done in range(10)
    ]
    assert cosine[0] == pytest.approx(0.02)
    assert cosine[5] == pytest.approx(0.05)
    assert cosine[1:] == sorted(cosine[1:], reverse=True)
    assert learning_rate(TrainingOptions(schedule="constant"), STAGE, [1.0] * 9) == 0.1


def test_a_stage_ends_with_its_epochs_or_its_patience():
    options = TrainingOptions(patience=2)
    assert not should_stop(options, STAGE, [])
    assert not should_stop(options, STAGE, [1, 2])
    assert should_stop(options, STAGE, [1, 2, 1.5])
    assert should_stop(options, STAGE, list(range(10, 0, -1)))


def test_without_patience_the_last_epoch_is_used():
    losses = [3.0, 1.0, 2.0]
    assert best_epoch(TrainingOptions(), losses) == 1
    assert best_epoch(TrainingOptions(patience=0), losses) == 2
    assert not should_stop(TrainingOptions(patience=0), STAGE, [float(loss) for loss in range(9)])
    assert should_stop(TrainingOptions(patience=0), STAGE, [1.0] * 10)


def test_stages_follow_from_the_options():
    weights = {"backbone": "vgg16", "weights": "w.h5"}
    assert [stage.name for stage in stages(TrainingOptions())] == ["whole"]
    assert [stage.name for stage in stages(TrainingOptions(**weights, freeze=True))] == ["head"]
    head, fine = stages(TrainingOptions(**weights, fine_tune_epochs=3, fine_tune_rate=0.2))
    assert (head.name, fine.name, fine.epochs) == ("head", "fine", 3)
    assert fine.rate == pytest.approx(head.rate * 0.2)
