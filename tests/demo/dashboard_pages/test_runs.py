"""The page of runs: search, filters, order, ticks and views by URL; labels, undo, downloads, resume."""

import json
from urllib.parse import quote

import pytest

from cifar_core.runs.labels import FILE, Labels, read_labels, write_labels
from cifar_core.runs.store import RunStore, Status
from cifar_core.runs.summary import summarize_all
from cifar_core.runs.trash import list_deleted
from demo.dashboard_pages.runs.table import ORDERS, RunsQuery, all_tags, asked_for
from demo.shared.ranking import OWN_PICTURES
from tests.support.fake_runs import keep_running, make_run
from tests.support.page_tests import button, buttons, charts, figures, page, words
from tests.support.texts import says


def shown(app):
    return list(app.dataframe[0].value["run"])


def field(app, label):
    return next(item for item in app.text_input if item.label == label)


def labeled(store, name, tags=(), note="", **settings):
    run = make_run(store, **settings)
    write_labels(run, Labels(name, list(tags), note))
    return run


@pytest.fixture
def three(store):
    """Alpha (best), beta (quickest to train, on drawn pictures), gamma (stopped)."""
    return (
        labeled(store, "alpha", ["wide", "final"], "the longest one", epochs=6),
        labeled(store, "beta", ["wide"], epochs=1, recipe="smoke"),
        labeled(store, "gamma", note="odd [link](x)", epochs=3, state="stopped", quality=0.5),
    )


# Search, filters, order


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["gamma", "beta", "alpha"]),
        ({"text": "ALPHA"}, ["alpha"]),
        ({"text": "longest the"}, ["alpha"]),
        ({"text": "longest beta"}, []),
        ({"text": "smoke"}, ["beta"]),
        ({"text": "wide"}, ["beta", "alpha"]),
        ({"tags": ["wide"]}, ["beta", "alpha"]),
        ({"tags": ["wide", "final"]}, ["alpha"]),
        ({"states": ["stopped"]}, ["gamma"]),
        ({"states": ["stopped", "finished"]}, ["gamma", "beta", "alpha"]),
        ({"descending": False}, ["alpha", "beta", "gamma"]),
        ({"sort": "accuracy"}, ["alpha", "gamma", "beta"]),
        ({"sort": "lowest loss", "descending": False}, ["alpha", "gamma", "beta"]),
        ({"sort": "time"}, ["alpha", "gamma", "beta"]),
        ({"sort": "name", "descending": False}, ["alpha", "beta", "gamma"]),
    ],
)
def test_runs_are_found_and_ordered(store, three, query, names):
    assert [item.name for item in asked_for(summarize_all(store), RunsQuery(**query))] == names


@pytest.mark.parametrize("sort", ORDERS)
@pytest.mark.parametrize("descending", [True, False])
def test_what_is_unknown_comes_last_in_every_order(store, three, sort, descending):
    damaged = make_run(store)
    (damaged.path / "events.jsonl").write_text("{]\n")
    (damaged.path / "run.json").unlink()
    (damaged.path / "config.json").write_text("{")
    found = asked_for(summarize_all(store), RunsQuery(sort=sort, descending=descending))
    assert len(found) == 4
    if sort not in ("name", "state"):
        assert found[-1].id == damaged.id


def test_tags_and_notes_have_columns_where_there_are_any(store):
    make_run(store)
    assert not {"tags", "note"} & set(page("runs").dataframe[0].value)
    labeled(store, "alpha", ["wide"])
    table = page("runs").dataframe[0].value
    assert sorted(map(list, table["tags"])) == [[], ["wide"]] and "note" not in table


def test_tags_are_listed_once(store, three):
    assert all_tags(summarize_all(store)) == ["final", "wide"]


def test_the_url_holds_search_filters_and_order(store, three):
    assert shown(page("runs", q="wide")) == ["beta", "alpha"]
    assert shown(page("runs", tag="final")) == ["alpha"]
    assert shown(page("runs", state="stopped")) == ["gamma"]
    app = page("runs", sort="accuracy", order="oldest, lowest first")
    assert shown(app) == ["gamma", "alpha", "beta"]
    app.text_input(key="q").set_value("odd").run()
    assert shown(app) == ["gamma"]


def test_a_link_with_what_is_not_there_shows_all(store, three):
    app = page("runs", tag="nothing", state="gone", sort="beauty")
    assert shown(app) == ["gamma", "beta", "alpha"]


def test_nothing_found_says_what_to_do(store, three):
    app = page("runs", q="nowhere")
    assert "clear the search" in words(app) and not app.dataframe


def test_a_ticked_run_stays_when_the_search_hides_it(store, three):
    alpha, beta, _ = three
    app = page("runs", runs=f"{alpha.id},{beta.id}", q="beta")
    assert app.query_params["runs"] == f"{alpha.id},{beta.id}"
    assert shown(app) == ["beta"] and charts(app) == 2
    button(app, "Untick all").click().run()
    assert "runs" not in app.query_params and charts(app) == 0 and not app.exception


# Views


@pytest.mark.parametrize(
    ("view", "drawn", "said"),
    [("curves", 2, "is ahead with"), ("settings", 1, "0.05"), ("costs", 1, "34.5")],
)
def test_each_view_has_an_address(store, view, drawn, said):
    runs = [make_run(store, epochs=6), make_run(store, epochs=12, total_epochs=12, lr=0.05, quality=0.9)]
    app = page("runs", runs=",".join(run.id for run in runs), view=view)
    tables = "".join(table.value.to_string() for table in app.table)
    assert charts(app) == drawn and len(app.table) == (view != "curves")
    assert said in words(app) + tables and "seed" not in tables


@pytest.mark.parametrize("view", ["curves", "costs"])
def test_runs_on_different_data_are_shown_under_a_warning_and_no_winner(store, three, view):
    runs = [*three, make_run(store, data="airplane_automobile", mixes=False)]
    app = page("runs", runs=",".join(run.id for run in runs), view=view)
    said = words(app)
    assert "cannot be compared" in said and OWN_PICTURES in said
    assert not any(word in said for word in ("is ahead", "is best", "has the lowest", "behind"))


def test_the_columns_of_figures_hold_numbers_to_sort_by(store, three):
    table = page("runs").dataframe[0].value
    for name in ("epochs", "time (min)", "parameters (M)", "accuracy (%)"):
        assert table[name].dtype.kind in "if", name


def measure(run, share, n=10_000):
    """Write the card that `evaluate --note` leaves, as far as a list reads it."""
    run.best_checkpoint.mkdir(parents=True, exist_ok=True)
    card = {"metrics": {"test": {"accuracy": share, "loss": 0.4, "n": n}}}
    (run.best_checkpoint / "card.json").write_text(json.dumps(card))


def test_runs_are_shown_and_ranked_by_the_test_where_they_were_measured(store, three):
    alpha, _, gamma = three
    measure(gamma, 0.93)
    app = page("runs", sort="accuracy")
    table = app.dataframe[0].value
    assert shown(app) == ["gamma", "alpha", "beta"]
    assert list(table["accuracy (%)"]) == [93.0, 89.76, 47.0]
    assert list(table["measured on"]) == ["10,000 test", "5,000 validation", "5,000 validation"]
    app = page("runs", runs=f"{alpha.id},{gamma.id}")
    assert says(words(app), "alpha is ahead", "validation", "above gamma"), "both measured in one way"
    measure(alpha, 0.929)
    assert says(words(page("runs", runs=f"{alpha.id},{gamma.id}")), "gamma and alpha", "too close to tell")


def test_runs_on_other_data_are_marked_and_listed_apart(store):
    labeled(store, "ten", epochs=6)
    labeled(store, "two", epochs=6, data="airplane_automobile", quality=1.05)
    for order in ("newest, highest first", "oldest, lowest first"):
        app = page("runs", sort="accuracy", order=order)
        assert shown(app) == ["ten", "two"]
        assert list(app.dataframe[0].value["data"]) == ["", "2 classes"]
    labeled(store, "drawn", recipe="smoke")
    assert "synthetic" in list(page("runs").dataframe[0].value["data"])


def test_losses_are_sorted_among_runs_of_equal_label_smoothing(store):
    labeled(store, "smooth", epochs=2)
    labeled(store, "plain", epochs=1, label_smoothing=0.0)
    labeled(store, "plain too", epochs=4, label_smoothing=0.0)
    app = page("runs", sort="lowest loss", order="oldest, lowest first")
    assert shown(app) == ["plain too", "plain", "smooth"]


def test_compared_runs_have_a_mark_in_the_table_and_no_two_the_same(store):
    runs = [make_run(store, epochs=1) for _ in range(9)]  # the ninth has the first one's color by its rank
    app = page("runs", runs=f"{runs[0].id},{runs[8].id}")
    marks = [mark for mark in app.dataframe[0].value["color"] if mark]
    lines = [trace["line"]["color"] for trace in figures(app)[0]["data"]]
    assert len(set(marks)) == len(set(lines)) == 2
    assert all(any(quote(line) in mark for mark in marks) for line in lines)
    assert not any(page("runs").dataframe[0].value["color"])


def test_runs_of_equal_settings_are_said_to_be_so(store):
    ids = [make_run(store, epochs=2).id for _ in range(2)]
    app = page("runs", runs=",".join(ids), view="settings")
    assert not app.table and charts(app) == 1 and "All settings are the same" in words(app)


def test_runs_without_an_epoch_have_no_costs(store):
    ids = [make_run(store, epochs=0, state="stopped").id for _ in range(2)]
    app = page("runs", runs=",".join(ids), view="costs")
    assert "none of these runs has completed an epoch" in words(app)
    assert charts(page("runs", runs=",".join(ids), view="settings")) == 1
    assert charts(page("runs", runs=",".join(ids))) == 2


def test_a_damaged_run_among_others_is_left_out_of_the_charts(store, three):
    damaged = make_run(store)
    (damaged.path / "config.json").write_text("{")
    for view in ("curves", "settings", "costs"):
        app = page("runs", runs=",".join([damaged.id, *(run.id for run in three)]), view=view)
        assert charts(app) >= 1 and "damaged" in words(app)


# Labels


def test_a_run_is_named_tagged_and_noted(store):
    run = make_run(store)
    app = page("runs", runs=run.id)
    field(app, "Name").set_value("  my   run ")
    field(app, "Tags").set_value("Baseline, wide")
    app.text_area[0].set_value("better than before")
    button(app, "Save").click().run()
    assert not app.exception and shown(app) == ["my run"]
    assert read_labels(run) == Labels("my run", ["baseline", "wide"], "better than before")
    assert list(app.dataframe[0].value["note"]) == ["better than before"]
    live = page("live", run=run.id)
    assert "my run" in words(live) and "better than before" in words(live)


def test_a_label_that_cannot_be_kept_is_said(store):
    run = make_run(store)
    app = page("runs", runs=run.id)
    app.text_area[0].set_value("a\abell")
    button(app, "Save").click().run()
    assert "The note holds U+0007" in words(app) and not (run.path / FILE).exists()


def test_markdown_in_labels_stays_as_it_is(store):
    run = labeled(store, "**bold** :red[x]", note="[link](http://x)")
    app = page("runs", runs=run.id)
    assert any(r"\[link\](http\:" in caption.value for caption in app.caption)
    assert any(r"\*\*bold\*\* \:red\[x\]" in link.proto.label for link in app.get("page_link"))


def test_damaged_labels_do_not_hide_the_run(store):
    run = make_run(store)
    (run.path / FILE).write_text("{")
    app = page("runs", runs=run.id)
    assert list(app.dataframe[0].value["state"]) == ["Finished"]
    assert "damaged" in words(app) or app.error
    button(app, "Save").click().run()
    assert read_labels(run) == Labels()


def test_two_runs_of_one_name_are_told_apart(store):
    runs = [labeled(store, "twin", epochs=1) for _ in range(2)]
    assert {item.name for item in summarize_all(store)} == {f"twin ({run.id})" for run in runs}


# Deleting


def test_a_deleted_run_can_be_brought_back_at_once(store, three):
    alpha, beta, _ = three
    app = page("runs", runs=f"{alpha.id},{beta.id}")
    button(app, "Delete 2 runs").click().run()
    said = words(app)
    assert shown(app) == ["gamma"] and "Deleted alpha and beta;" in said and "in 7 days" in said
    assert "runs" not in app.query_params
    button(app, "Undo").click().run()
    assert shown(app) == ["gamma", "beta", "alpha"] and "Undo" not in buttons(app)
    assert list_deleted(store) == []


def test_the_next_action_takes_undo_away_but_not_the_trash(store, three):
    app = page("runs", runs=three[0].id)
    button(app, "Delete").click().run()
    app.text_input(key="q").set_value("beta").run()
    assert "Undo" not in buttons(app)
    assert "Deleted runs (1," in app.expander[-1].label
    button(app, "Put back").click().run()
    assert [run.id for run in store.list()][-1] == three[0].id


def test_the_last_run_can_be_deleted_and_removed_for_good(store):
    run = make_run(store)
    app = page("runs", runs=run.id)
    button(app, "Delete").click().run()
    assert "No runs yet" in words(app)
    button(app, "Remove for good").click().run()
    assert list_deleted(store) == [] and store.list() == [] and not app.exception


def test_an_active_run_is_not_deleted(store):
    run = make_run(store, state="running")
    lock = keep_running(run)
    app = page("runs", runs=run.id)
    button(app, "Delete").click().run()
    assert "is running; stop it first" in words(app) and run.path.exists()
    lock.release()


def test_a_shipped_run_can_be_taken_away_but_not_changed(store, tmp_path):
    shipped = tmp_path / "shipped" / "toy.v1"
    run = make_run(store, epochs=3)
    shipped.parent.mkdir()
    run.path.rename(shipped)
    (shipped / "card.json").write_text("{}")
    (shipped / "weights.safetensors").write_bytes(b"w")
    app = page("runs", runs="toy.v1")
    assert "cannot be deleted" in words(app)
    assert not {"Delete", "Save", "Resume"} & set(buttons(app))
    assert len(app.get("download_button")) == 2


def test_on_a_public_host_nothing_can_be_changed(store, three, monkeypatch):
    monkeypatch.setenv("CIFAR_LAB_PUBLIC", "1")
    app = page("runs", runs=three[2].id)
    assert not {"Delete", "Save", "Resume"} & set(buttons(app))


# Going on


@pytest.mark.parametrize("state", ["stopped", "failed"])
def test_a_run_that_was_cut_short_goes_on(store, launched, state):
    run = make_run(store, state=state)
    button(page("runs", runs=run.id), "Resume").click().run()
    assert [one.id for one in launched] == [run.id]


def test_a_finished_run_has_nothing_to_go_on_with(store):
    assert "Resume" not in buttons(page("runs", runs=make_run(store).id))


def test_a_run_that_has_only_just_been_made_is_listed(store):
    run = store.create(make_run(RunStore(store.root / "else")).config())
    run.write_status(Status("waiting"))
    app = page("runs", runs=run.id)
    assert list(app.dataframe[0].value["state"]) == ["Waiting"]


def test_the_list_shows_every_run_newest_first(store):
    runs = [make_run(store, epochs=2, state="stopped"), make_run(store, epochs=6)]
    table = page("runs").dataframe[0].value
    assert list(table["state"]) == ["Finished", "Stopped"]
    assert list(table["accuracy (%)"]) == [89.76, 67.3]
    assert [len(curve) for curve in table["val accuracy"]] == [6, 2]
    assert len(runs) == len(table)


def test_a_seventh_run_is_left_out_in_words(store):
    ids = [make_run(store, epochs=1).id for _ in range(7)]
    assert "the charts show the first 6" in words(page("runs", runs=",".join(ids)))


def test_unknown_ids_in_the_url_are_said(store):
    run = make_run(store)
    app = page("runs", runs=f"nope,{run.id}")
    assert "nope" in app.warning[0].value
    assert shown(app) and "Open " in "".join(item.proto.label for item in app.get("page_link"))
    assert charts(app) == 0
