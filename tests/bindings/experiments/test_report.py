"""The report: one file, harmless whatever a model says, and usable in a browser."""

import base64
import gzip
import json
import re
import shutil
from html.parser import HTMLParser

import pytest

from libllm import experiments as ex
from libllm.experiments import report
from libllm.experiments.files import replacing

try:
    from selenium.webdriver.support.ui import WebDriverWait
except ImportError:  # the tests that look at a page are skipped
    pass

HOSTILE = (
    '</script><script>document.title="owned"</script><img src=x onerror="document.title=\'owned\'">'
    "\u2028<!-- --> @@data@@"
)


@pytest.fixture
def result(invent):
    """A result in which a model, an item and a prompt's name are hostile."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    records = [{"question": f"item {i} ?", "answer": str(i), "note": f"note {i}"} for i in range(8)]
    records[2]["note"] += HOSTILE
    records[3]["id"] = HOSTILE
    hostile = f"cot {HOSTILE}".replace("]", ")")

    def say(name, question, seed):
        i = int(question.split()[1])
        return HOSTILE if name == hostile and i == 1 else i if name == hostile or i < 2 else i + 1

    return invent(say, names=["direct", hostile], records=records, name=HOSTILE, shots=[0, 2], metric="exact")


def shown(page):
    """What the page's program reads."""
    text = re.search(r'<script id="data" type="text/plain">(.*?)</script>', page, re.S)[1]
    assert re.fullmatch("[A-Za-z0-9+/=]*", text), "nothing that could end the element"
    return json.loads(gzip.decompress(base64.b64decode(text)))


class Elements(HTMLParser):
    """The elements of a page and what they refer to."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.links, self.handlers = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [v for k, v in attributes if k in ("src", "href", "xlink:href", "action")]
        self.handlers += [k for k, _ in attributes if k.startswith("on")]


def test_nothing_that_is_told_becomes_markup(result):
    page = report.page(result)
    found = Elements(page)
    assert found.tags.count("script") == 2 and "img" not in found.tags and found.handlers == []
    data = shown(page)
    assert data["items"][3]["id"] == HOSTILE and HOSTILE in data["items"][2]["fields"][0][1]
    assert sum(HOSTILE in of[0][2] for row in data["samples"] for of in row) == 2
    assert HOSTILE in data["cells"][3]["name"]


def test_nothing_is_fetched(result):
    page = report.page(result)
    assert [link for link in Elements(page).links if not link.startswith(("#", "data:image/png"))] == []
    assert "default-src 'none'" in page and "@import" not in page


def test_it_is_the_same_every_time(result):
    assert report.page(result) == report.page(result)


def test_every_metric_has_a_report(make, tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    one = make(prompts=[ex.Prompt("plain")], metric=ex.perplexity(), shots=[0]).execute(tmp_path / "r.db")
    one.report(tmp_path / "r.html")
    labels = [{"question": q, "answer": a} for q, a in [("up", "yes"), ("down", "no"), ("left", "yes")]]
    two = make(prompts=[ex.Prompt("plain", max_tokens=4)], data=labels, metric=ex.accuracy(), shots=[0])
    two.execute(tmp_path / "r.db").report(tmp_path / "r.html")
    assert "Right and found answers" in (tmp_path / "r.html").read_text()


def test_tables_align_numbers_and_say_what_they_are(invent):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    page = report.page(invent({"direct": [0, 9, 9, 9], "cot": [0, 1, 2, 9]}, shots=[0, 1]))
    assert '<p id="verdict">No difference can be told on 4 items:' in page
    assert '<td class=n data-v="0.75">75.0 %</td>' in page and "30.1 to 95.4 %</td>" in page
    for words in ("Examples in the prompt", "Right answers with 95 % intervals", "Tokens of a completion"):
        assert f">{words}<" in page, "an axis"
    assert "Compared by prompt" in page and "+50.0 points" in page and "no difference told</td>" in page


def test_samples_of_several_seeds_that_are_one_are_there_once(invent):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    greedy = shown(report.page(invent({"a": [0, 1, 9]}, seeds=range(3))))
    assert [[s[-1] for s in row[0]] for row in greedy["samples"]] == [[[0, 1, 2]]] * 3
    drawn = invent(
        lambda name, question, seed: seed % 3, n_items=3, names=["a"], seeds=range(3), sampling={"temperature": 1}
    )
    assert [[s[-1] for s in row[0]] for row in shown(report.page(drawn))["samples"]] == [[[0], [1], [2]]] * 3


@pytest.fixture(scope="module")
def browser():
    """Chromium without a window."""
    selenium = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not binary or not driver:
        pytest.skip("no chromium and chromedriver (Debian packages chromium, chromium-driver)")
    options = selenium.ChromeOptions()
    options.binary_location = binary
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--window-size=1400,1000",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    opened = selenium.Chrome(options=options, service=selenium.ChromeService(driver))
    yield opened
    opened.quit()


class Reader:
    """Somebody who looks at a report."""

    def __init__(self, browser):
        self.browser = browser

    def open(self, path, where="", width=1280, scheme="light", media=""):
        command = self.browser.execute_cdp_cmd
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        command("Emulation.setDeviceMetricsOverride", size)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        command("Emulation.setEmulatedMedia", {"media": media, "features": features})
        self.browser.get("about:blank")
        self.browser.get(path.as_uri() + where)
        WebDriverWait(self.browser, 60).until(lambda _: self.run("return 'ready' in document.documentElement.dataset"))
        return self

    def run(self, script, *arguments):
        return self.browser.execute_script(script, *arguments)

    def find(self, css):
        return self.browser.find_elements("css selector", css)

    def texts(self, css):
        return [e.get_property("textContent") for e in self.find(css)]

    def count(self):
        return self.texts("#count")[0]

    def items(self):
        return self.texts("#answers tbody th.item")

    def keys(self, *pressed):
        for key in pressed:
            self.browser.switch_to.active_element.send_keys(key)
        return self.browser.switch_to.active_element

    def complaints(self):
        return [e for e in self.browser.get_log("browser") if e["level"] == "SEVERE"]


@pytest.fixture
def reader(browser):
    return Reader(browser)


@pytest.fixture
def forty(invent, tmp_path):
    """A report of 40 items: direct is right on the first 5, cot on all but the last 10; and the result."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    direct = [i if i < 5 else 99 for i in range(40)]
    cot = [i if i < 30 else None if i == 39 else 99 for i in range(40)]
    result = invent({"direct": direct, "cot": cot})
    result.report(tmp_path / "forty.html")
    return tmp_path / "forty.html"


def test_a_hostile_report_is_harmless(result, reader, tmp_path):
    result.report(tmp_path / "report.html")
    reader.open(tmp_path / "report.html")
    assert reader.browser.title.startswith("exact of </script>") and len(reader.find("#answers tbody tr")) == 8
    assert reader.items()[3] == HOSTILE
    reader.find("#answers tbody th.item a")[3].click()
    assert HOSTILE in reader.texts("tr.details h3")[0] and not reader.find("img")
    assert reader.browser.title != "owned" and reader.complaints() == []


def test_answers_are_side_by_side(forty, reader):
    reader.open(forty)
    assert reader.texts("#verdict") == ["cot beats direct by 62 points (95 %: 43 to 76) on 40 items."]
    assert reader.count() == "40 of 40 items" and len(reader.items()) == 25, "a page of them"
    first = [c.get_property("textContent") for c in reader.find("#answers tbody tr:nth-child(7) > *")]
    assert first[:3] == ["6", "item 6 ?", "6"]
    assert first[3].startswith("\u2717 wrong: 99") and first[4].startswith("\u2713 right: 6")
    assert "Let me see. The answer is 6." in first[4]
    kinds = [e.get_attribute("class") for e in reader.find("#answers tbody tr:nth-child(7) td.answer")]
    assert kinds == ["answer wrong", "answer right"]
    backs = {reader.run("return getComputedStyle(arguments[0]).backgroundColor", e) for e in reader.find("td.answer")}
    assert len(backs) == 2, "right and wrong are coloured"
    reader.find("#next")[0].click()
    assert len(reader.items()) == 15 and "no answer" in reader.texts("#answers tbody tr:last-child td.answer")[1]


@pytest.mark.parametrize(
    "show,n", [("differ", 25), ("wrong", 35), ("all-wrong", 10), ("all-right", 5), ("none", 1), ("all", 40)]
)
def test_items_are_filtered_by_what_came_of_them(forty, reader, show, n):
    reader.open(forty)
    reader.find(f"#show option[value={show}]")[0].click()
    assert reader.count() == f"{n} of 40 items"


def test_where_they_differ_is_asked_of_the_columns_that_are_shown(forty, reader):
    reader.open(forty)
    reader.find("#show option[value=differ]")[0].click()
    reader.find("#columns summary")[0].click()
    reader.find("#columns input")[0].click()
    assert reader.count() == "0 of 40 items" and len(reader.find("#answers thead th")) == 4
    reader.find("#columns input")[1].click()
    assert len(reader.find("#answers thead th")) == 4, "the last column stays"


def test_all_texts_are_searched(forty, reader):
    reader.open(forty)
    for words, n in [("note 17", 1), ("ANSWER IS 12", 1), ("cannot say", 1), ("[direct] q: item 8", 1), ("nowhere", 0)]:
        reader.find("#search")[0].clear()
        reader.find("#search")[0].send_keys(words)
        assert reader.count() == f"{n} of 40 items", words


def test_columns_sort(forty, reader):
    reader.open(forty)

    def press(n):
        reader.find("#answers thead th button")[n].click()
        return reader.find("#answers thead th")[n].get_attribute("aria-sort")

    assert press(4) == "ascending" and reader.items()[:11] == [str(i) for i in [*range(30, 40), 0]], "wrong ones first"
    assert press(4) == "descending" and reader.items()[0] == "0"
    assert press(0) == "ascending" and press(0) == "descending" and reader.items()[:2] == ["39", "38"], "as numbers"
    assert len(reader.find("#answers th[aria-sort]")) == 1
    head, rows = "section[aria-labelledby=cells-title] th button", "section[aria-labelledby=cells-title] tbody tr"
    reader.find(head)[2].click()
    reader.find(head)[2].click()
    assert [t[:3] for t in reader.texts(rows)] == ["cot", "dir"]


def test_every_answer_has_an_address(forty, reader):
    reader.open(forty, "#item=33&cell=1")
    assert "26 to 40 of 40" in reader.texts("#page")[0], "the page that holds it"
    assert reader.texts("tr.details h3") == ["Item 33"] and reader.texts("article.chosen h4") == ["cot"]
    assert reader.texts("article.chosen pre.completion") == [" Let me see. The answer is 99."]
    assert reader.texts("article.chosen details[open] pre.rendered") == ["[cot] Q: item 33 ?\nA:"]
    assert reader.texts("tr.details dt") == ["question", "reference", "note"]
    assert reader.run("return document.activeElement.className") == "answer wrong"
    reader.find("#show option[value=all-right]")[0].click()
    reader.run("location.hash = 'item=12'")
    WebDriverWait(reader.browser, 10).until(lambda _: reader.texts("tr.details h3") == ["Item 12"])
    assert reader.count() == "40 of 40 items", "what hid it is taken away"
    links = [e.get_attribute("href") for e in reader.find("#answers td.answer a, tr.details article h4 a")]
    assert len(links) == 25 * 2 + 2 and all("#item=" in x and "&cell=" in x for x in links)
    reader.find("a[href='#cell=0']")[0].click()
    WebDriverWait(reader.browser, 10).until(lambda _: len(reader.find("#answers thead th")) == 4)
    reader.run("location.hash = 'item=nothing&cell=77'")
    assert reader.complaints() == []


def test_samples_of_a_seed_have_an_address(invent, reader, tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    drawn = invent(
        lambda name, question, seed: seed % 4, n_items=4, names=["a", "b"], seeds=range(3), sampling={"temperature": 1}
    )
    drawn.report(tmp_path / "drawn.html")
    reader.open(tmp_path / "drawn.html", "#item=2&cell=1&seed=2")
    assert len(reader.find("tr.details article")) == 6
    assert reader.texts("article.chosen h4") == ["b, seed 2"]


def test_keys_are_enough(forty, reader):
    from selenium.webdriver.common.keys import Keys

    reader.open(forty)
    reader.find("#columns summary")[0].send_keys("")
    for _ in range(20):
        if reader.keys(Keys.TAB).find_elements("xpath", "ancestor::tbody[ancestor::table[@id='answers']]"):
            break
    assert reader.browser.switch_to.active_element.get_attribute("textContent") == "0", "one stop of Tab in all cells"
    assert reader.run("return document.querySelectorAll('#answers tbody [tabindex=\"0\"]').length") == 1
    at = reader.keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.END)
    assert at.get_attribute("data-title") == "cot" and "The answer is 2." in at.get_attribute("textContent")
    reader.keys(Keys.ENTER)
    WebDriverWait(reader.browser, 10).until(lambda _: reader.find("tr.details"))
    assert reader.texts("tr.details h3") == ["Item 2"] and reader.browser.current_url.endswith("#item=2&cell=1")
    at = reader.keys(Keys.ESCAPE)
    assert not reader.find("tr.details") and "#" not in reader.browser.current_url
    assert reader.browser.switch_to.active_element.get_attribute("data-title") == "cot", "where one was"
    assert reader.keys(Keys.PAGE_DOWN, Keys.HOME).get_attribute("textContent") == "24"


def test_a_screen_reader_is_told_what_it_is(forty, reader):
    reader.open(forty, "#item=3")
    tree = reader.browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    named = {(n["role"]["value"], n.get("name", {}).get("value", "")) for n in tree if not n["ignored"]}
    roles = [role for role, _ in named]
    for role in ("grid", "columnheader", "rowheader", "gridcell", "combobox", "searchbox", "navigation", "contentinfo"):
        assert role in roles, role
    assert ("grid", "Answers side by side") in named and ("combobox", "Show") in named and ("region", "Item 3") in named
    assert any(role == "link" and name == "right: 3" for role, name in named), "not by its colour alone"
    assert reader.find("#count")[0].get_attribute("aria-live") == "polite"
    assert reader.run("return document.documentElement.lang") == "en"


LUMINANCE = """
const light = (text) => { const [r, g, b] = text.match(/[\\d.]+/g).map((v) => { v /= 255;
  return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const ground = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
  if (!c.endsWith(", 0)")) return c; } return "rgb(255, 255, 255)"; };
return [...document.querySelectorAll(arguments[0])].map((e) => {
  const [a, b] = [light(getComputedStyle(e).color), light(ground(e))].sort((x, y) => y - x); return (a + 0.05) / (b + 0.05); });
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_is_read_on_any_screen(forty, reader, width, scheme):
    reader.open(forty, "#item=6&cell=0", width=width, scheme=scheme)
    assert reader.run("return document.documentElement.scrollWidth") <= width, "nothing is beside the page"
    seen = "#verdict, .note, th, td, td a, dt, dd, pre, figcaption, svg text, summary, h4 a, footer dd"
    contrasts = reader.run(LUMINANCE, seen)
    assert len(contrasts) > 200 and min(contrasts) >= 4.5
    dark = reader.run(LUMINANCE.replace("return [...", "return light(ground(document.body)) < 0.1; [..."), "body")
    assert dark == (scheme == "dark")
    filled = reader.run(
        "const r = (e) => e.getBoundingClientRect(), p = document.querySelector('.plots');"
        "return [r(p).right - r(p.lastElementChild).right, r(document.body).width - r(p).width];"
    )
    assert filled[0] < 2 and filled[1] < 60, "no empty space beside the plots"
    if width == 390:
        lines = reader.run(
            "return [...document.querySelectorAll('#answers tbody td')].map((e) => e.getBoundingClientRect().width)"
        )
        assert min(lines) > 300, "an answer has the whole width"


@pytest.mark.parametrize("n_shots,labels", [(1, 2), (2, 2), (1, 99), (2, 99)])
def test_plots_leave_no_gap(invent, reader, tmp_path, n_shots, labels):
    """Two, three or four of them."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    records = [{"question": f"item {i} ?", "answer": str(i % labels)} for i in range(30)]
    invent({"a": [1] * 30}, records=records, shots=range(n_shots)).report(tmp_path / "p.html")
    reader.open(tmp_path / "p.html")
    edges = reader.run(
        "return [...document.querySelectorAll('.plots, figure')].map((e) => e.getBoundingClientRect().right)"
    )
    assert len(edges) == 2 + n_shots + (labels == 2) and edges[-1] == pytest.approx(edges[0], abs=2)


def test_nothing_of_a_plot_is_cut_off(invent, reader, tmp_path):
    """With as many prompts as a legend has room for, and with long names."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    for names in ([f"p{i}" for i in range(8)], ["short", "a name that is as long as people write them"]):
        path = tmp_path / f"{len(names)}.html"
        invent({name: [0, 1] for name in names}, shots=[0, 2], file=f"{len(names)}.db").report(path)
        reader.open(path)
        beyond = reader.run(
            "return [...document.querySelectorAll('figure svg text')].filter((e) => { const a = e.getBoundingClientRect(),"
            "b = e.closest('svg').getBoundingClientRect(); return a.left < b.left - 1 || a.right > b.right + 1; })"
            ".map((e) => e.textContent)"
        )
        assert beyond == [] and len(reader.find("figure svg text")) > 20
        assert len(reader.find("#answers thead th")) == 3 + min(8, 2 * len(names))


def test_it_prints(forty, reader):
    reader.open(forty, scheme="dark", media="print")
    hidden = reader.run(
        "return ['#filters', '#next', '#keys'].map((s) => getComputedStyle(document.querySelector(s)).display)"
    )
    assert hidden == ["none"] * 3
    assert reader.run("return getComputedStyle(document.querySelector('.scroll')).overflow") == "visible"
    assert reader.run("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert min(reader.run(LUMINANCE, "#verdict, td, th, footer dd")) >= 4.5
    pdf = base64.b64decode(reader.browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"])
    assert pdf.startswith(b"%PDF") and len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 4


def test_many_items_cost_no_more_elements(invent, reader, tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    n_elements = []
    for n in (50, 1000):
        invent({"a": range(n), "b": [0] * n}, file=f"{n}.db").report(tmp_path / f"{n}.html")
        reader.open(tmp_path / f"{n}.html", "#item=49&cell=1")
        assert reader.texts("tr.details h3") == ["Item 49"]
        n_elements.append(reader.run("return document.querySelectorAll('body *:not(svg *)').length"))
    assert n_elements[0] == n_elements[1]
    assert (tmp_path / "1000.html").stat().st_size < 2 * (tmp_path / "50.html").stat().st_size


# ---- files ----


def limited(folder, kind):
    """Writes far more than the process may."""
    import resource
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    path = folder / f"old.{kind}"
    path.write_text("old")
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, resource.RLIM_INFINITY))
    try:
        with replacing(path) as part, part.open("w") as out:
            out.write("new" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def test_a_full_disk_keeps_the_old_file(tmp_path, result, monkeypatch):
    with pytest.raises(OSError):
        limited(tmp_path, "html")
    assert [(p.name, p.read_text()) for p in tmp_path.glob("*old*")] == [("old.html", "old")]
    for name in ("report.html", "samples.csv", "samples.jsonl"):
        path = tmp_path / name
        path.write_text("old")

        def full(*a, **k):
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as m:
            m.setattr("os.fsync", full)
            with pytest.raises(OSError, match="No space left"):
                result.report(path) if name == "report.html" else result.export(path)
        assert path.read_text() == "old" and not list(tmp_path.glob("*.part"))
        result.report(path) if name == "report.html" else result.export(path)
        assert len(path.read_text()) > 1000 and not list(tmp_path.glob("*.part"))


def test_what_is_replaced_keeps_its_mode_and_its_link(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    with replacing(link) as part:
        part.write_text("new")
    assert link.is_symlink() and target.read_text() == "new" and target.stat().st_mode & 0o777 == 0o640
    with replacing("/dev/null") as part:
        part.write_text("x")
    assert str(part) == "/dev/null"
