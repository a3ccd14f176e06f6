"""chaos/plan.py and chaos/readings.py: what a seed determines, and what a run must have."""

from itertools import islice

import pytest

from chaos.faults import FAULTS
from chaos.plan import KINDS, NAMES, chosen, make_plan
from chaos.readings import Source, sensors_of
from rillet.errors import UserError


def test_a_seed_gives_one_plan_and_other_seeds_give_others() -> None:
    """The same seed and length repeat every fault at its time; another seed does not."""
    assert make_plan(3, 60, KINDS) == make_plan(3, 60, KINDS)
    assert make_plan(3, 60, KINDS) != make_plan(4, 60, KINDS)


@pytest.mark.parametrize("seconds", [1, 12, 120])
def test_every_kind_of_fault_comes_and_ends_in_time(seconds: float) -> None:
    """However short the run, each kind is begun within it, and none is held for long after it."""
    plan = make_plan(1, seconds, KINDS)
    assert {step.kind for step in plan} == set(NAMES)
    assert [step.at_s for step in plan] == sorted(step.at_s for step in plan)
    assert all(step.at_s + step.hold_s <= seconds * 1.15 for step in plan)


def test_a_chosen_fault_comes_when_it_does_among_all() -> None:
    """A fault that is looked at alone has the times that it has beside the others."""
    (cut,) = chosen(["cut-workers"])
    alone = make_plan(1, 60, [cut])
    assert alone == [step for step in make_plan(1, 60, KINDS) if step.kind == "cut-workers"]
    with pytest.raises(UserError, match="choose from kill-worker"):
        chosen(["earthquake"])


def test_each_kind_of_fault_can_be_done() -> None:
    """The plan and the deeds know the same faults."""
    assert set(FAULTS) == set(NAMES)


def test_a_seed_gives_the_same_readings() -> None:
    """Two sources of one seed send the same: numbered, each sensor's seq without a gap."""
    first, second = (list(islice(Source(5, 2), 900)) for _ in range(2))
    assert first == second
    assert [one.n for one in first] == list(range(900))
    assert {one.sensor for one in first} == set(sensors_of(2))
    for sensor in sensors_of(2):
        numbers = [int(one.fields.get("seq", -1)) for one in first if one.sensor == sensor]
        assert numbers in (list(range(100)), [-1] * 100)
