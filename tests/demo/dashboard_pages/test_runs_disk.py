"""The page of runs says what they take, frees it after a second press, and takes a downloaded run."""

import pytest

from cifar_core.runs.disk import disk_of
from demo.dashboard_pages.runs.downloads import whole_run
from tests.support.fake_runs import make_run
from tests.support.page_tests import button, buttons, page, words
from tests.support.toy_checkpoints import save_toy


def saved(store, **settings):
    run = make_run(store, **settings)
    for name in ("best", "last", "last.previous"):
        save_toy(run.path / "checkpoints" / name)
    return run


def labels(app):
    return [item.proto.popover.label for item in app.get("popover")] + buttons(app)


def test_the_line_names_sizes_and_the_button_frees_finished_runs_alone(store):
    done, stopped = saved(store, epochs=2), saved(store, epochs=2, state="stopped")
    app = page("runs")
    assert "runs (2)" in words(app) and "Free on this disk" in words(app)
    assert "no longer be resumed" in words(app) and "cannot be undone" in words(app)
    button(app, "Free 1 finished run").click().run()
    assert done.freed and not stopped.freed and not done.last_checkpoint.exists()
    assert "Freed " in words(app) and "Free 1 finished run" not in buttons(app)
    assert "Resume" in buttons(page("runs", runs=stopped.id))


def test_runs_that_could_go_on_are_freed_by_a_button_of_their_own(store):
    stopped, done = saved(store, epochs=2, state="stopped"), saved(store, epochs=2)
    app = page("runs")
    (wider,) = [label for label in buttons(app) if "give up resuming" in label]
    assert "2 ended runs" in wider
    button(app, wider).click().run()
    assert stopped.freed and done.freed and disk_of(store).to_free(unfinished=True) == []
    for name in ("runs", "live"):
        app = page(name, **{"runs" if name == "runs" else "run": stopped.id})
        assert "Resume" not in buttons(app) and words(app).count("cannot be resumed") == 1


@pytest.mark.parametrize("epochs", [0, 2])
@pytest.mark.parametrize("state", ["stopped", "failed"])
def test_a_freed_run_says_once_why_it_cannot_go_on(store, state, epochs):
    run = make_run(store, epochs=epochs, state="running" if state == "failed" else state)
    save_toy(run.last_checkpoint)
    app = page("runs")
    button(app, next(label for label in buttons(app) if "give up resuming" in label)).click().run()
    app = page("live", run=run.id)
    assert run.status().state == state
    assert words(app).count("cannot be resumed") == 1
    assert "Resume goes" not in words(app) and "Resume" not in buttons(app)


def test_what_became_impossible_meanwhile_is_said(store):
    run = saved(store, epochs=2)
    app = page("runs")
    (run.path / "config.json").write_text("{")
    button(app, "Free 1 finished run").click().run()
    assert "is damaged" in words(app) and not run.freed


def test_a_store_without_runs_has_no_line_but_takes_a_run(store):
    app = page("runs")
    assert "Free on this disk" not in words(app) and app.get("file_uploader")


def test_a_downloaded_run_is_ticked_and_a_bad_file_is_told(store):
    run = saved(store, epochs=2)
    app = page("runs")
    app.get("file_uploader")[0].set_value(("a.zip", whole_run(run), "application/zip")).run()
    (came,) = [one for one in store.list() if one.id != run.id]
    assert app.query_params["runs"] == came.id and "in the table now" in words(app)
    app.get("file_uploader")[0].set_value(("b.zip", b"nothing", "application/zip")).run()
    assert "b.zip is not brought in" in words(app) and len(store.list()) == 2
    app.run()
    assert "not brought in" not in words(app)


def test_on_a_public_host_there_is_neither(store, monkeypatch):
    saved(store, epochs=2)
    monkeypatch.setenv("CIFAR_LAB_PUBLIC", "1")
    app = page("runs")
    assert "Free on this disk" not in words(app) and not app.get("file_uploader")
    assert not any("Free" in label for label in labels(app))
