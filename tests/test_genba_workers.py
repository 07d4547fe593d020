"""Work spread over processes: what one job does to its worker is no other job's business."""

import math
import operator
import os

from genba.bench.workers import Done, spread


def by_job(results):
    return {done.job: done for done in results}


def test_every_job_is_answered_once_whatever_the_number_of_workers():
    for workers in (1, 3):
        done = list(spread(math.sqrt, [1.0, 4.0, 9.0, 16.0], workers))
        assert sorted(d.value for d in done) == [1.0, 2.0, 3.0, 4.0]
        assert [d.error for d in done] == [None] * 4


def test_an_error_is_an_answer_on_one_line():
    done = by_job(spread(math.sqrt, [4.0, -1.0], 1))
    assert done[4.0] == Done(4.0, 2.0)
    assert done[-1.0].value is None
    assert done[-1.0].error.startswith("ValueError: ") and "\n" not in done[-1.0].error


def test_a_worker_that_dies_takes_only_its_own_job_with_it():
    # eval, because a function handed to a spawned worker must not live in a test file
    die = "__import__('os')._exit(7)"
    done = by_job(spread(eval, ["1+1", die, "2+2", "3+3"], 2))
    assert "died twice" in done[die].error and "7" in done[die].error
    assert [done[job].value for job in ("1+1", "2+2", "3+3")] == [2, 4, 6]


def test_a_job_whose_worker_died_once_is_tried_again(tmp_path):
    mark = tmp_path / "tried"
    job = (
        f"__import__('os')._exit(1) if not __import__('os').path.exists({str(mark)!r}) "
        f"and not open({str(mark)!r}, 'w').close() else 'second time'"
    )
    assert [d.value for d in spread(eval, [job], 1)] == ["second time"]


def test_workers_run_one_thread_each_and_the_caller_keeps_its_setting(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    names = ["OMP_NUM_THREADS", "MKL_NUM_THREADS"]
    assert {d.value for d in spread(os.getenv, names, 1)} == {"1"}
    assert os.environ["OMP_NUM_THREADS"] == "7" and "MKL_NUM_THREADS" not in os.environ


def test_stopping_early_leaves_no_process_behind():
    results = spread(operator.neg, [1, 2, 3, 4], 2)
    first = next(results)
    assert first.value == -first.job
    results.close()
    import multiprocessing

    assert multiprocessing.active_children() == []


def test_no_job_needs_no_worker():
    assert list(spread(math.sqrt, [], 4)) == []
