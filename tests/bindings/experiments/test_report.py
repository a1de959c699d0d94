"""The report: one file, harmless whatever a model says, and usable in a browser."""

import json
import re
import shutil
import sqlite3
from html.parser import HTMLParser

import pytest

from libllm import experiments as ex
from libllm.experiments import report
from libllm.experiments.files import replacing

HOSTILE = (
    '</script><script>document.title="owned"</script><img src=x onerror="document.title=\'owned\'">'
    "\u2028<!-- --> @@data@@"
)


@pytest.fixture
def result(make, data, tmp_path):
    """A result in which a model, an item and a prompt's name are hostile."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    records = [{"id": HOSTILE if i == 3 else str(i), **item.fields} for i, item in enumerate(data)]
    records[2]["question"] += HOSTILE
    hostile = ex.from_records(records, f"problems {HOSTILE}").with_examples(data.examples)
    prompts = [ex.Prompt.direct(max_tokens=8), ex.Prompt.cot(f"cot {HOSTILE}", max_tokens=60)]
    path = tmp_path / "r.db"
    make(data=hostile, prompts=prompts).execute(path)
    db = sqlite3.connect(path)
    db.execute("UPDATE sample SET text = ?, answer = ? WHERE cell = 3 AND item = 1", (HOSTILE, HOSTILE))
    db.commit()
    db.close()
    return ex.Result(path)


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
    shown = json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', page, re.S)[1])
    assert sum(HOSTILE in s for s in shown["samples"]) == 5  # the answer, and the item's id in each cell


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


@pytest.fixture
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


def test_a_reader_filters_and_reads_a_row(result, browser, tmp_path):
    result.report(tmp_path / "report.html")
    browser.get((tmp_path / "report.html").as_uri())
    assert browser.title.startswith("exact_number of problems </script>")

    def find(css):
        return browser.find_elements("css selector", css)

    def count():
        return find("#count")[0].text

    assert count() == "32 of 32 samples" and len(find("#samples tbody tr.row")) == 32
    assert len(find("figure svg")) == 4 and len(find("#prompts pre")) == 4
    find("#filter-score option[value=right]")[0].click()
    right = sum(r["score"] == 1 for r in result.samples)
    assert count() == f"{right} of 32 samples" and len(find("#samples tbody tr.row")) == right > 4
    find("#filter-score option[value='']")[0].click()
    find("#search")[0].send_keys("onerror=")
    assert count() == "9 of 32 samples"  # a question and an id in each of 4 cells, and one answer
    find("#search")[0].clear()
    find("#search")[0].send_keys(result.samples[-1]["rendered"][-50:].split("\n")[0][-30:])
    find("#samples tbody tr.row")[-1].click()
    (rendered,), (completion,) = find("tr.details pre.rendered"), find("tr.details pre.completion")
    row = next(r for r in result.samples if r["rendered"] == rendered.get_property("textContent"))
    assert completion.get_property("textContent") in [r["text"] for r in result.samples if r["item"] == row["item"]]
    assert not find("img") and browser.title != "owned"
    assert [e for e in browser.get_log("browser") if e["level"] == "SEVERE"] == []


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
