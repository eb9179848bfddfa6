"""Write the data dictionary, docs/dictionary.md, from src/harken/outcomes/dictionary.toml.

Usage: python script/dictionary.py
"""

from pathlib import Path

from harken.outcomes.dictionary import dictionary_page

if __name__ == "__main__":
    page = Path(__file__).parents[1] / "docs" / "dictionary.md"
    page.write_text(dictionary_page(), encoding="utf-8", newline="")
