"""``harken routine`` as a user meets it."""

from pathlib import Path

import pytest

from command_line import Run


def test_a_routine_is_listed_shown_and_printed(
    run_harken: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_harken("routine").stdout == "five-minutes: 9 steps, 6 min\n"
    ended = run_harken("routine", "five-minutes", "--print", "routine.html")
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert "  9   5:19  stairs: Go up and down stairs." in ended.stdout
    page = Path("routine.html").read_text(encoding="utf-8")
    assert "9. Go up and down stairs." in page
    assert "anna,five-minutes,2026-05-04 10:05:30,9" in page


def test_the_page_of_an_own_routine_shows_its_text_as_text(
    run_harken: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    step = '[[step]]\ndo = "<b>Lie</b>"\nlabel = "in bed"\nkind = "usual"\nseconds = 90\n'
    Path("ward.toml").write_text(f'title = "Ward"\ncut_s = 2\n{step}')
    assert run_harken("routine", "ward.toml", "--print", "ward.html").exit_code == 0
    page = Path("ward.html").read_text(encoding="utf-8")
    assert "1. &lt;b&gt;Lie&lt;/b&gt;" in page
    assert "anna,ward.toml,2026-05-04 10:05:30,1" in page


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("routine", "--print", "a.html"), "--print needs a routine"),
        (("routine", "six-minutes"), "there is no routine “six-minutes”; choose five-minutes"),
        (("routine", "ward.toml"), "ward.toml: there is no such routine"),
        (("routine", "five-minutes", "--print", "five.toml"), "the page of a routine must end in .html"),
        (("routine", "five-minutes", "--print", "missing/a.html"), "there is no folder"),
    ],
)
def test_a_mistake_is_one_sentence(
    words: tuple[str, ...], message: str, run_harken: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = run_harken(*words)
    assert ended.exit_code == 2
    assert message in " ".join(ended.stderr.split())
    assert not list(tmp_path.iterdir())
