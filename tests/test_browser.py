"""The browser that other tests look at pages with: it must see what they rely on it to see."""

from pathlib import Path

from browser import PHONE, chromium

PAGE = """<!doctype html><meta name="viewport" content="width=device-width"><title>before</title>
<style>@media (prefers-color-scheme: dark) { p { color: rgb(1, 2, 3) } }</style>
<p>Said on paper.</p><script>document.title = "after"</script>"""
BAD_PAGE = (
    PAGE + "<p style='width:2000px'>wide</p><script>console.error('oh'); fetch('http://127.0.0.1:1/away')</script>"
)


def test_it_sees_what_tests_of_pages_ask_for(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.html", tmp_path / "bad.html"
    good.write_text(PAGE)
    bad.write_text(BAD_PAGE)
    with chromium(PHONE) as page:
        page.open(good)
        assert page.run("return [innerWidth, document.title]") == [PHONE[0], "after"]
        assert not page.scrolls_sideways()
        assert page.complaints() == []
        assert page.fetched() == [good.as_uri()]
        assert "Said on paper." in page.pdf_pages()[0]
        page.prefer(dark=True)
        assert page.run("return getComputedStyle(document.querySelector('p')).color") == "rgb(1, 2, 3)"
        assert page.picture()[:8] == b"\x89PNG\r\n\x1a\n"

        page.open(bad)
        assert page.scrolls_sideways()
        page.wait("return performance.getEntriesByType('resource').length > 0")
        assert page.fetched()[-1] == "http://127.0.0.1:1/away"
        assert any("oh" in complaint for complaint in page.complaints())

        page.without_javascript()
        page.open(good)
        assert page.run("return document.title") == "before"
