import numpy as np
import pytest

from lss_cli.anatomy import Level
from lss_cli.locate.chain import RIVAL_SHARE, Candidates, choose_chain, doubt_ends, doubt_steps

# From head to feet in a picture: to the back and to the feet, in mm.
SPINE = [np.array([100.0 + 3 * number, 60.0 + 34.0 * number]) for number in range(5)]
ABOVE, BELOW = np.array([97.0, 26.0]), np.array([125.0, 228.0])


def candidates(*per_level):
    return [
        Candidates(np.array([at for at, _ in level]), np.array([share for _, share in level]))
        for level in per_level
    ]


def test_a_likelier_place_that_is_out_of_line_is_passed_over():
    levels = candidates(
        [(SPINE[0], 0.8)],
        [(SPINE[1], 0.7)],
        [(SPINE[4], 0.5), (SPINE[2], 0.4)],
        [(SPINE[3], 0.9)],
        [(SPINE[4], 0.9)],
    )
    assert choose_chain(levels).chosen == (0, 0, 1, 0, 0)


def test_discs_never_run_from_feet_to_head():
    levels = candidates(
        *[[(at, 0.9), (SPINE[number], 0.2)] for number, at in enumerate(SPINE[::-1])]
    )
    chosen = choose_chain(levels).chosen
    heights = [level.positions[at][1] for level, at in zip(levels, chosen, strict=True)]
    assert heights == sorted(heights)


def test_another_numbering_that_is_nearly_as_likely_is_noticed():
    sure = candidates(
        *[[(at, 0.9), (below, 0.02)] for at, below in zip(SPINE, [*SPINE[1:], BELOW], strict=True)]
    )
    assert choose_chain(sure).rival < RIVAL_SHARE
    torn = candidates(
        *[[(at, 0.5), (below, 0.4)] for at, below in zip(SPINE, [*SPINE[1:], BELOW], strict=True)]
    )
    assert choose_chain(torn).chosen == (0,) * 5
    assert choose_chain(torn).rival == pytest.approx(0.8, abs=0.05)
    higher = candidates(
        *[[(at, 0.5), (up, 0.3)] for at, up in zip(SPINE, [ABOVE, *SPINE[:-1]], strict=True)]
    )
    assert choose_chain(higher).rival > RIVAL_SHARE


def test_a_level_that_nobody_saw_is_left_out():
    levels = candidates(*[[(at, 0.9)] for at in SPINE[:4]], [(np.zeros(2), 0.0)])
    assert choose_chain(levels).chosen == (0, 0, 0, 0, None)


def test_a_further_disc_that_could_be_the_lowest_is_said():
    def doubts(share):
        levels = candidates(*[[(at, 0.9)] for at in SPINE[:4]], [(SPINE[4], 0.7), (BELOW, share)])
        return doubt_ends(choose_chain(levels))

    assert doubts(0.05) == []
    assert doubts(0.25) == [(Level.L5_S1, "a further disc below it could be L5/S1 as well (25%).")]


def test_a_level_is_surer_where_the_others_leave_it_no_other_place():
    levels = candidates([(SPINE[0], 0.5), (ABOVE, 0.4)], *[[(at, 0.9)] for at in SPINE[1:]])
    chain = choose_chain(levels)
    assert chain.chosen[0] == 0
    # A tenth of its probability lies elsewhere.
    assert chain.confidence[0] == pytest.approx(0.5 / 0.6, abs=0.08)
    assert doubt_ends(chain) == []


def test_the_lowest_level_is_no_surer_than_the_picture_shows_it():
    levels = candidates(*[[(at, 0.9)] for at in SPINE[:4]], [(SPINE[4], 0.5), (BELOW, 0.4)])
    assert choose_chain(levels).confidence[4] == pytest.approx(0.5)


def test_where_all_could_be_called_otherwise_none_is_sure():
    below = [*SPINE[1:], BELOW]
    torn = candidates(*[[(at, 0.55), (other, 0.4)] for at, other in zip(SPINE, below, strict=True)])
    assert max(choose_chain(torn).confidence) < 0.6


def test_usual_distances_are_not_doubted():
    assert doubt_steps(SPINE, list(Level)) == []


def test_a_disc_that_was_left_out_is_doubted_on_both_sides():
    without = [*SPINE[:2], *(at + np.array([0.0, 34.0]) for at in SPINE[2:])]
    concerned = {level for level, _ in doubt_steps(without, list(Level))}
    assert {Level.L2_L3, Level.L3_L4} <= concerned
    assert Level.L1_L2 not in concerned
    ((_, text), *_) = doubt_steps(without, list(Level))
    assert text == "L2/L3 and L3/L4 lie 68 mm apart; is a disc fused or left out?"


def test_a_missing_level_is_no_long_step():
    names = [level for level in Level if level is not Level.L3_L4]
    assert (
        doubt_steps([at for at, level in zip(SPINE, Level, strict=True) if level in names], names)
        == []
    )
