"""Every page in a real browser, wide and narrow, on screen and on paper, with the script and without it."""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import sample as made
from browser import PAPER, WIDTHS, browser, opened, page_of

from skillstats.report import render_report
from skillstats.report.readers import READERS

EVERY = pytest.mark.parametrize("audience", sorted(READERS))
WIDE_AND_NARROW = pytest.mark.parametrize("width", WIDTHS)


@pytest.fixture(scope="module")
def started() -> Iterator[Any]:
    with browser() as found:
        yield found


@EVERY
@WIDE_AND_NARROW
def test_a_page_asks_for_nothing_complains_of_nothing_and_fits_its_window(started: Any, audience: str, width: int) -> None:
    with opened(started, page_of(audience), width=width) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        too_wide = page.evaluate(
            """() => [...document.querySelectorAll('main *')].filter(e => !e.closest('.scroll, pre, svg') && e.checkVisibility()
            && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 120))"""
        )
        assert too_wide == []


@EVERY
def test_a_page_tells_the_same_with_and_without_its_script(started: Any, audience: str) -> None:
    words = {}
    for script in (True, False):
        with opened(started, page_of(audience), width=1200, script=script) as page:
            words[script] = " ".join(page.locator("main").text_content().split())
    assert words[True] == words[False]


@EVERY
def test_a_page_says_of_itself_what_is_in_it(started: Any, audience: str) -> None:
    with opened(started, page_of(audience), width=1200) as page:
        assert page.locator("script").count() == 1
        words = page.locator("footer").inner_text()
        assert "holds one script" in words and "no script" not in words
        sections = page.locator("main h2[id]").count()
        assert page.locator("nav.contents a").count() == (sections if sections >= 5 else 0)


@EVERY
def test_the_policy_stops_every_other_script(started: Any, audience: str) -> None:
    html = page_of(audience).replace("</main>", "<script>document.title = 'stolen'</script></main>", 1)
    with pytest.raises(AssertionError, match="Content Security Policy"), opened(started, html, width=1200) as page:
        assert page.title() != "stolen"


@EVERY
def test_every_link_of_a_page_leads_to_a_place_in_it(started: Any, audience: str) -> None:
    with opened(started, page_of(audience), width=1200) as page:
        links = page.evaluate("[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))")
        assert links and all(link.startswith("#") for link in links)
        assert page.evaluate("l => l.filter(h => !document.getElementById(h.slice(1)))", links) == []
        assert page.evaluate(
            "document.querySelectorAll('[id]').length === new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size"
        )


@EVERY
def test_landmarks_language_and_order_of_headings(started: Any, audience: str) -> None:
    with opened(started, page_of(audience), width=1200) as page:
        assert page.evaluate("document.documentElement.lang") == "en"
        for landmark in ("header", "main", "footer"):
            assert page.locator(f"body > {landmark}").count() == 1
        levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(h => Number(h.tagName[1]))")
        assert levels[0] == 1 and levels.count(1) == 1
        assert all(b <= a + 1 for a, b in itertools.pairwise(levels)), levels
        unnamed = page.evaluate(
            """() => [...document.querySelectorAll('svg, [role=region], nav, table')].filter(e => {
              const by = (e.getAttribute('aria-labelledby') || '').split(' ').filter(Boolean);
              return !(e.getAttribute('aria-label') || (e.caption && e.caption.textContent.trim())
                || (by.length && by.every(k => document.getElementById(k)?.textContent.trim())));
            }).map(e => e.outerHTML.slice(0, 120))"""
        )
        assert unnamed == []


@EVERY
def test_the_keyboard_reaches_the_skip_link_first_then_every_table_and_heading(started: Any, audience: str) -> None:
    with opened(started, page_of(audience), width=1200) as page:
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        wanted = page.evaluate("document.querySelectorAll('.scroll, button.sort').length")
        reached, seen = [], set()
        for _ in range(4 * wanted + 100):
            page.keyboard.press("Tab")
            at = page.evaluate(
                """() => { const e = document.activeElement; if (!e || e === document.body) return null;
                e.dataset.step = e.dataset.step || String(Math.random());
                return [e.dataset.step, e.className, getComputedStyle(e).outlineStyle, getComputedStyle(e).outlineWidth]; }"""
            )
            if at is None or at[0] in seen:
                break
            seen.add(at[0])
            reached.append(at)
        assert reached[0][1] == "skip"
        assert sum(a[1] in ("scroll", "sort") for a in reached) == wanted
        assert all(a[2] != "none" and float(a[3].rstrip("px")) >= 1 for a in reached), "focus is visible everywhere"


@EVERY
@WIDE_AND_NARROW
def test_every_word_has_enough_contrast(started: Any, audience: str, width: int) -> None:
    with opened(started, page_of(audience), width=width) as page:
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        assert page.evaluate(CONTRAST) == []


def test_the_contrast_test_finds_a_pale_word(started: Any) -> None:
    html = page_of("head").replace('class="headline"', 'class="headline" style="color:#949494"', 1)
    with opened(started, html, width=1200) as page:
        assert page.evaluate(CONTRAST)[0][0] == pytest.approx(3.03, abs=0.01)


@EVERY
def test_on_paper_no_table_is_cut_and_everything_folded_is_open(started: Any, audience: str) -> None:
    with opened(started, page_of(audience), width=PAPER, paper=True) as page:
        cut = page.evaluate(
            """() => [...document.querySelectorAll('main table, main svg, main pre')].filter(e => e.checkVisibility()
            && (e.getBoundingClientRect().right > innerWidth + 1 || e.scrollWidth > e.clientWidth + 1 && e.tagName === 'PRE'))
            .map(e => e.outerHTML.slice(0, 120))"""
        )
        assert cut == []
        assert page.evaluate("getComputedStyle(document.querySelector('.skip')).display") == "none"
        hidden = page.evaluate(
            """() => [...document.querySelectorAll('main details > :not(summary)')]
            .filter(e => e.getBoundingClientRect().height === 0).map(e => e.outerHTML.slice(0, 120))"""
        )
        assert hidden == []
        pdf = page.pdf(format="A4", prefer_css_page_size=True, print_background=True)
    assert pdf.startswith(b"%PDF-") and len(re.findall(rb"/Type\s*/Page\b", pdf)) >= 2


def test_hostile_names_stay_words_in_a_browser(started: Any) -> None:
    html = render_report(made.sample(made.hostile_rows()), audience="head")
    with opened(started, html, width=1200) as page:
        assert page.evaluate("document.querySelectorAll('script').length") == 1
        assert page.evaluate("document.querySelectorAll('img, iframe, [onerror], [onmouseover]').length") == 0
        assert "<script>alert(1)</script>" in page.locator("#traders").text_content()
    with opened(started, html, width=390) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_table_is_sorted_as_numbers_both_ways_and_back_with_what_is_withheld_last(started: Any) -> None:
    with opened(started, page_of("head"), width=1200) as page:
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        names = "[...document.querySelectorAll('#traders tbody tr')].map(r => r.cells[0].textContent)"
        heads = page.locator("#traders thead th")
        original = page.evaluate(names)
        column = page.evaluate(
            "[...document.querySelectorAll('#traders thead th')].findIndex(h => h.textContent.startsWith('Annual') || h.textContent.startsWith('annual'))"
        )
        own = {r["trader"]: r["ir_annual_mean"] for r in made.sample().rows if r["regime"] == "all"}
        shown = sorted((t for t, v in own.items() if v is not None), key=lambda t: own[t])
        button = heads.nth(column).get_by_role("button")
        button.focus()
        page.keyboard.press("Enter")
        assert page.evaluate(names) == [*shown, "T8"] and heads.nth(column).get_attribute("aria-sort") == "ascending"
        page.keyboard.press("Space")
        assert page.evaluate(names) == [*reversed(shown), "T8"] and heads.nth(column).get_attribute("aria-sort") == "descending"
        page.keyboard.press("Enter")
        assert page.evaluate(names) == original and heads.nth(column).get_attribute("aria-sort") is None
        heads.nth(0).get_by_role("button").click()
        assert page.evaluate(names) == sorted(own)


def test_the_line_of_the_whole_desk_stays_last(started: Any) -> None:
    with opened(started, page_of("head"), width=1200) as page:
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        table = page.locator("table", has_text="Ledger KPIs by trader").first
        for _ in range(2):
            table.get_by_role("button", name=re.compile("^Sum")).click()
            assert table.locator("tbody tr").last.locator("th").text_content() == "whole desk"


CONTRAST = """() => {
  const parse = c => { const m = c.match(/[\\d.]+/g); return m ? m.map(Number) : [0, 0, 0, 0]; };
  const light = c => { const [r, g, b] = c.slice(0, 3).map(v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; });
    return .2126 * r + .7152 * g + .0722 * b; };
  const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + .05) / (y + .05); };
  const grounds = e => { for (; e; e = e.parentElement) { const s = getComputedStyle(e);
      if (s.backgroundImage !== 'none') return (s.backgroundImage.match(/rgba?\\([^)]*\\)/g) || []).map(parse);
      const c = parse(s.backgroundColor); if (c.length < 4 || c[3] > 0) return [c]; } return [[255, 255, 255]]; };
  const poor = [];
  for (const e of document.querySelectorAll('body *')) {
    if (e.closest('svg, script') || !e.checkVisibility() || ![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
    const own = parse(getComputedStyle(e).color), worst = Math.min(...grounds(e).map(g => ratio(own, g)));
    if (worst < 4.5) poor.push([worst, e.textContent.trim().slice(0, 60)]);
  }
  for (const svg of document.querySelectorAll('svg')) {
    if (!svg.checkVisibility()) continue;
    const painted = [];
    for (const e of svg.querySelectorAll('path, rect, text')) {
      const style = getComputedStyle(e), box = e.getBoundingClientRect();
      if (e.closest('defs, clipPath')) continue;
      if (e.tagName !== 'text') {
        if (style.fill.startsWith('rgb') && Number(style.fillOpacity) * Number(style.opacity) >= .5 && box.width > 1 && box.height > 1) painted.push([box, parse(style.fill)]);
        continue;
      }
      const x = box.left + box.width / 2, y = box.top + box.height / 2;
      const under = painted.filter(([b]) => b.left <= x && x <= b.right && b.top <= y && y <= b.bottom).pop();
      const worst = ratio(parse(style.fill), under ? under[1] : [255, 255, 255]);
      if (worst < 4.5) poor.push([worst, e.textContent.trim().slice(0, 60)]);
    }
  }
  return poor;
}"""
