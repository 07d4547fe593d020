"""The report: one file that needs no network, tells no lies when there is nothing to tell, and
does not run what others wrote into it."""

import io
import json
import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from genba import kpi
from genba.bench import results, scorecard
from genba.console import Refused
from genba.report import plots, render, tables, texts
from genba.report.calls import margin, separation
from genba.report.timeline import per_hour
from genba.rule_names import LANGUAGES
from genba.safety import standards
from genba.sim.state import Event, EventKind

HOSTILE = "<script>alert('x')</script> & \"quoted\" $\\frac{1}{2}$ https://evil.example/x"
SECONDS = 60.0


def episode_events(good=6, stops=1, planned=5.0):
    """Parts every five seconds; a person is called for a dropped part `stops` times."""
    events = [
        Event(0.0, EventKind.EPISODE_START, "s", {"planned_cycle_time": planned, "takt": None}),
        Event(0.0, EventKind.STATE, "cell", {"state": "producing"}),
    ]
    for i in range(good):
        at = 1.0 + 5.0 * i
        events.append(Event(at, EventKind.PART_STARTED, f"p{i}", {"kind": "a"}))
        data = {"good": True, "kind": "a", "rework": False, "assisted": False, "reason": ""}
        events.append(Event(at + 3.0, EventKind.PART_FINISHED, f"p{i}", data))
    for i in range(stops):
        at = 35.0 + 10.0 * i
        asked = {"id": i, "cause": "dropped_part", "initiator": "robot", "class": "assist"}
        events.append(Event(at, EventKind.STATE, "cell", {"state": "waiting"}))
        events.append(
            Event(at, EventKind.REQUEST, "cell", {**asked, "service": "rework", "notice": 9.0})
        )
        events.append(
            Event(at + 4, EventKind.OPERATOR_ARRIVED, "o", {"id": i, "notice": 1, "way": 3})
        )
        events.append(Event(at + 4, EventKind.STATE, "cell", {"state": "serving"}))
        done = {"id": i, "service": 2.0, "labour": 5.0}
        events.append(Event(at + 6, EventKind.SERVICE_DONE, "o", done))
        events.append(Event(at + 6, EventKind.STATE, "cell", {"state": "producing"}))
    return [*events, Event(SECONDS, EventKind.EPISODE_END, "s")]


def worst_moment(margin=0.1):
    trace = [[t / 20, None if t < 50 else 1.0, 0.9, 0.3, 1.0] for t in range(200)]
    return {"time": 5.0, "margin": margin, "separation": 1.0, "trace": trace}


def bench_folder(folder, agents=("scripted",), seeds=(1, 2), worst=None, error=None, **events):
    """What genba bench leaves behind."""
    (folder / "episodes").mkdir(parents=True)
    with (folder / "results.jsonl").open("wb") as file:
        for seed in seeds:
            for i, agent in enumerate(agents):
                played = episode_events(**events)
                tally = kpi.tally(played, SECONDS)
                row = {
                    "scenario": "tray", "config": "c", "agent": agent, "agent_hash": "h",
                    "seconds": SECONDS, "seed": seed, "file": f"tray-{i}-{seed}", "error": error,
                    "figures": kpi.figures(tally), "tally": tally,
                    "worst": worst and {k: v for k, v in worst.items() if k != "trace"},
                }  # fmt: skip
                results.append(file, row)
                kept = {"events": [results.event_row(e) for e in played], "worst": worst}
                results.write_episode(folder / "episodes" / f"tray-{i}-{seed}.json.gz", kept)
    scenario: dict[str, object] = {
        "name": "tray", "title": "Trays", "title_ja": "トレイ", "config": "c", "rules": [],
        "regime": None,
        "people": {"visits_per_hour": 0},
    }  # fmt: skip
    meta = {
        "genba": "0", "build": "b", "date": "2026-01-01", "suite": "s", "seed": 1, "episodes": 2,
        "scenarios": {"tray": scenario}, "agents": dict.fromkeys(agents, "h"),
    }  # fmt: skip
    results.dump(folder / "meta.json", meta)
    return folder


class Page(HTMLParser):
    """What a browser would make of a page: its elements, and its text outside of them."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.words, self.links = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [
            v for k, v in attrs if k in ("src", "href", "action", "srcset", "xlink:href", "data")
        ]

    def handle_data(self, data):
        self.words.append(data)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_name_and_no_error_becomes_part_of_the_page(tmp_path, lang):
    folder = bench_folder(tmp_path / "b", agents=(HOSTILE, "idle"), worst=worst_moment())
    page = Page(render(folder, lang))
    assert "script" not in page.tags
    assert any("<script>" in word for word in page.words)  # shown as the text it is


def test_an_error_of_a_stranger_is_shown_as_text(tmp_path):
    page = Page(render(bench_folder(tmp_path / "b", error=HOSTILE)))
    assert "script" not in page.tags
    assert any("alert(" in word for word in page.words)


def test_the_page_asks_nothing_of_a_network(tmp_path):
    folder = bench_folder(tmp_path / "b", worst=worst_moment())
    picture = results.png(np.zeros((4, 6, 3), np.uint8))
    (folder / "episodes" / "tray-0-1.png").write_bytes(picture)
    text = render(folder)
    page = Page(text)
    assert {"link", "img", "svg"} <= set(page.tags) and "iframe" not in page.tags
    assert all(link.startswith(("#", "data:")) for link in page.links)
    assert "url(http" not in text and "@import" not in text and "://" not in text


def test_the_charts_share_no_identifier(tmp_path):
    text = render(bench_folder(tmp_path / "b", agents=("a", "b"), worst=worst_moment()))
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', text))
    assert used <= set(ids)


@pytest.mark.parametrize("sensor", ["skeleton", "body", "light_curtain"])
@pytest.mark.parametrize("capability", [0.03, 0.2])
def test_what_a_separation_follows_from_is_told_in_japanese_too(sensor, capability):
    english = standards.regime(sensor, capability)
    japanese = texts.regime_name(english, "ja")
    assert texts.regime_name(english, "en") == english and japanese != english
    assert set(re.findall(r"[A-Za-z]+", japanese)) <= {"C", "m", "d", "mm", "ISO"}


def test_the_same_folder_gives_the_same_page(tmp_path):
    folder = bench_folder(tmp_path / "b", worst=worst_moment())
    assert render(folder) == render(folder)


@pytest.mark.parametrize(
    "case",
    [
        {"worst": None},  # nobody around
        {"good": 0, "stops": 0},  # an agent that does nothing
        {"seeds": (1,)},  # one episode: no spread to speak of
        {"error": "ValueError: no"},  # nothing finished
        {"agents": tuple(f"agent {i}" for i in range(12))},  # more than there are colours
        {"worst": worst_moment(-0.4)},
    ],
)  # fmt: skip
@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_report_of_little_is_still_a_report(tmp_path, case, lang):
    text = render(bench_folder(tmp_path / "b", **case), lang)
    words = texts.words(lang)
    assert words["notice_safety"].split(".")[0] in text
    assert "nan" not in re.sub(r"<svg.*?</svg>", "", text, flags=re.S).lower().split()


def test_details_that_are_missing_or_broken_do_not_take_the_report_away(tmp_path):
    folder = bench_folder(tmp_path / "b", worst=worst_moment())
    (folder / "episodes" / "tray-0-1.json.gz").write_bytes(b"\x1f\x8b broken")
    (folder / "episodes" / "tray-0-2.json.gz").unlink()
    assert texts.words("en")["no_picture"] in render(folder)


def test_a_folder_without_a_benchmark_is_refused_in_one_line(tmp_path):
    with pytest.raises(Refused, match="meta.json: cannot be read"):
        render(tmp_path)


def test_a_line_that_is_no_result_is_named(tmp_path):
    folder = bench_folder(tmp_path / "b")
    with (folder / "results.jsonl").open("ab") as file:
        file.write(b"[1, 2]\n")
    with pytest.raises(Refused, match="line 3 is no result"):
        render(folder)


def test_a_scenario_has_its_title_in_the_language_of_the_page(tmp_path):
    folder = bench_folder(tmp_path / "b")
    assert any("トレイ" in word for word in Page(render(folder, "ja")).words)
    assert any("Trays" in word for word in Page(render(folder, "en")).words)


def test_every_word_is_there_in_both_languages():
    assert texts.missing() == []
    states = {"producing", "slowed", "standstill", "idle", "starved", "blocked", "changeover"}
    assert set(texts.STATES) == states | {"stopped", "waiting", "serving"}
    nameless = [n for n, f in kpi.FIGURES.items() if texts.figure_name(n, f.text, "ja") == f.text]
    assert nameless == []


def test_output_does_not_make_up_for_a_breach():
    rows = [
        {"scenario": "s", "agent": a, "figure": "ssm_breaches", "value": v}
        for a, v in [("a", 1), ("b", 0)]
    ]
    card = scorecard.by_figure(rows)
    assert scorecard.unsafe(card, "s", "a") and not scorecard.unsafe(card, "s", "b")


@pytest.mark.parametrize(
    ("figure", "most"),
    [("ssm_breaches", 0.0), ("max_force_ratio_moving", 1.0), ("clampings", 0.0)],
)
def test_each_event_of_harm_alone_takes_an_agent_off_the_front(figure, most):
    rows = [
        {"scenario": "s", "agent": agent, "figure": name, "value": value if name == figure else 0.0}
        for agent, value in [("bad", most + 0.01), ("good", most)]
        for name in kpi.FIGURES
    ]
    card = scorecard.by_figure(rows)
    assert scorecard.unsafe(card, "s", "bad") and not scorecard.unsafe(card, "s", "good")


def test_the_scorecard_does_not_depend_on_the_order_of_the_rows(tmp_path):
    rows = results.read_rows(bench_folder(tmp_path / "b", agents=("a", "b"), seeds=(9, 10, 11)))
    card = scorecard.scorecard(rows)
    assert card == scorecard.scorecard(rows[::-1])
    assert {"scenario", "agent", "figure", "value", "low", "high", "unit", "n"} == set(card[0])
    json.dumps(card, allow_nan=False)
    good = scorecard.by_figure(card)["tray", "a", "good_parts_per_hour"]
    assert good["value"] == pytest.approx(360.0) and good["n"] == 3


def test_a_png_is_what_was_drawn():
    from matplotlib.image import imread

    picture = np.random.default_rng(0).integers(0, 256, (7, 5, 3)).astype(np.uint8)

    read = imread(io.BytesIO(results.png(picture)), format="png")
    assert np.array_equal(np.round(read[..., :3] * 255).astype(np.uint8), picture)


def test_the_table_of_headlines_tells_what_the_gate_looks_at():
    assert set(scorecard.GATES) < set(scorecard.HEADLINE)
    assert "contacts_moving" in scorecard.HEADLINE and "max_force_ratio" not in scorecard.HEADLINE
    at = scorecard.HEADLINE.index("oee")
    assert scorecard.HEADLINE[at + 1 : at + 4] == ("availability", "effectiveness", "quality_ratio")


def figure_row(value, low=None):
    return {"value": value, "low": low, "high": None}


@pytest.mark.parametrize(
    ("rows", "better", "expected"),
    [
        ([figure_row(68.0), figure_row(None, 270.0)], "high", [False, True]),  # never: the best
        ([figure_row(3.0), figure_row(None)], "low", [False, False]),  # undefined: no comparison
        ([None, figure_row(2.0), figure_row(1.0)], "low", [False, False, True]),  # made no part
        ([figure_row(4.781), figure_row(4.779)], "low", [False, False]),  # both are shown as 4.78
        ([figure_row(1.0), figure_row(2.0)], None, [False, False]),
    ],
)
def test_only_what_is_better_is_tinted(rows, better, expected):
    assert tables.best(rows, better) == expected
    assert kpi.FIGURES["aust_seconds"].better is None


def test_the_bars_of_causes_add_up_to_the_interventions(tmp_path):
    folder = bench_folder(tmp_path / "b", stops=2)  # the second within the first intervention
    rows = results.read_rows(folder)
    rates = per_hour(folder, rows)
    found: dict[str, Any] = kpi.figures(kpi.add([row["tally"] for row in rows]))
    assert rates == {"dropped_part": pytest.approx(found["interventions_per_hour"])}
    assert sum(row["tally"]["sums"]["requests"] for row in rows) == 2 * found["interventions"]
    colours = [texts.cause_colour(cause) for cause in texts.CAUSES]
    assert len(set(colours)) == len(colours)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_protects_a_cell_stands_beside_its_title(tmp_path, lang):
    words = texts.words(lang)
    folder = bench_folder(tmp_path / "b")
    page = render(folder, lang)
    assert words["unprotected"] in page and words["notice_sensor"] not in page
    meta = results.read_json(folder / "meta.json")
    meta["scenarios"]["tray"] |= {"safety": "ssm_iso", "rules": ["speed_separation"]}
    results.dump(folder / "meta.json", meta)
    page = render(folder, lang)
    assert words["unprotected"] not in page and words["notice_sensor"] in page
    assert page.count(f"{words['safety_rules']}{words['colon']}ssm_iso") > 3
    own = {"profile": "shared", "pfl": {}}
    assert texts.profile_name(own, ["pfl"], lang) == f"shared{words['adapted']}"


def test_a_suite_has_its_title_in_the_language_of_the_page(tmp_path):
    folder = bench_folder(tmp_path / "b")
    meta = results.read_json(folder / "meta.json")
    results.dump(folder / "meta.json", {**meta, "titles": ["Two <trays>", "二つ"]})
    assert "<h1>Two &lt;trays&gt;</h1>" in render(folder, "en")
    assert "<h1>二つ</h1>" in render(folder, "ja")
    results.dump(folder / "meta.json", {**meta, "titles": ["Two", ""]})
    assert "<h1>Two</h1>" in render(folder, "ja")


def test_a_japanese_page_names_units_and_sources_in_japanese():
    units = {name: texts.unit_name(f.unit, "ja") for name, f in kpi.FIGURES.items()}
    assert (units["fan_out"], units["dropped_parts"], units["mcbi"]) == ("台", "回", "サイクル")
    assert units["episodes"] == "件"
    japanese = "".join([*texts.words("ja").values(), *texts.FIGURES_JA.values()])
    assert "介助" not in japanese and not re.search(r"[ぁ-ん一-龥][,:]", japanese)
    assert all(re.search("[ぁ-んァ-ヶ一-龥]", line) for line in texts.sources("ja"))


def test_axes_have_their_units_in_square_brackets_in_both_languages():
    axes = ("pareto_x", "pareto_y", "causes_y", "metres", "speed_axis", "around_axis", "time_axis")
    for lang in LANGUAGES:
        assert all(texts.words(lang)[key].endswith("]") for key in axes)


def test_a_call_says_contact_and_a_margin_of_nothing_has_no_sign():
    words = texts.words("en")
    said = [separation(d, words) for d in (-0.004, 0.0, 0.001, 0.31)]
    assert said == ["d: contact", "d: contact", "d < 0.01 m", "d = 0.31 m"]
    assert [margin(m) for m in (-0.001, 0.002, -0.2)] == ["0.00 m", "0.00 m", "-0.20 m"]


@pytest.mark.parametrize(("least", "far"), [(0.3, False), (1.6, True)])
def test_a_scenario_in_which_nobody_came_near_shows_no_call(tmp_path, least, far):
    page = render(bench_folder(tmp_path / "b", worst=worst_moment(least)))
    assert (texts.words("en")["nobody"] in page) == far
    assert ("<figcaption" in page or texts.words("en")["no_picture"] in page) != far


def test_a_standing_robot_and_a_contact_fit_their_axes(monkeypatch):
    drawn = []
    monkeypatch.setattr(plots, "_svg", lambda figure, _: drawn.append(figure))
    trace = [[t / 20, -0.04 if t == 9 else 0.5, 0.5, 0.001, 0.0] for t in range(20)]
    plots.closest_call(trace, 0.45, texts.words("en"), "c")
    above, below = drawn[0].axes
    assert above.get_ylim()[0] < -0.04 and below.get_ylim()[1] >= 0.25


def test_a_printed_page_opens_what_is_folded(tmp_path):
    page = render(bench_folder(tmp_path / "b"))
    sheet = page[page.index("@media print") :]
    assert "details::details-content { content-visibility: visible" in sheet


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_differs_between_scenarios_is_told_where_there_are_two(tmp_path, lang):
    words = texts.words(lang)
    folder = bench_folder(tmp_path / "b")
    assert words["differences"] not in render(folder, lang)
    meta = results.read_json(folder / "meta.json")
    tray = meta["scenarios"]["tray"]
    other = {**tray, "name": "other", "config": "d", "robot": HOSTILE}
    results.dump(folder / "meta.json", {**meta, "scenarios": {"tray": tray, "other": other}})
    page = Page(render(folder, lang))
    assert {words["differences"], words["setting"], "robot", HOSTILE} <= set(page.words)
    assert "script" not in page.tags


@pytest.mark.parametrize(("planned", "told"), [(5.0, 0), (50.0, 1)])
def test_a_planned_cycle_time_that_cannot_be_is_told_below_the_scores(tmp_path, planned, told):
    page = render(bench_folder(tmp_path / "b", planned=planned), "ja")
    assert page.count(texts.words("ja")["too_fast"]) == told


@pytest.mark.parametrize("rows", [0, 1])
def test_a_call_without_a_trace_has_no_empty_chart(tmp_path, rows):
    worst = worst_moment()
    worst["trace"] = worst["trace"][100 : 100 + rows]
    page, words = render(bench_folder(tmp_path / "b", worst=worst)), texts.words("en")
    assert words["no_trace"] in page and words["metres"] not in page
    assert words["no_trace"] not in render(bench_folder(tmp_path / "c", worst=worst_moment()))
