"""Tables as HTML pages that a browser shows without any other file, alone or within the report."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from resonaut.core.files import atomic
from resonaut.core.style import COLOURS

# All within one class, as the page may be a part of another one. The last two lines are for Snakemake's report, which
# centres a narrow first page beside the rule graph: the page begins at the top, as wide as it is, the graph below.
STYLE = """
.resonaut { font: 14px/1.45 system-ui, sans-serif; color: #222; margin: 1em; }
.resonaut h1 { font-size: 1.5em; margin: 0 0 .2em; } .resonaut h2 { font-size: 1.15em; margin: 1.4em 0 .3em; }
.resonaut table { border-collapse: collapse; margin: .4em 0 1em; width: auto; }
.resonaut caption { text-align: left; font-weight: bold; padding: .3em 0; }
.resonaut th, .resonaut td { padding: .2em .8em; text-align: right; white-space: nowrap; }
.resonaut th { font-weight: normal; color: #555; vertical-align: bottom; border-bottom: 1px solid #222; }
.resonaut th { white-space: pre; } .resonaut td.words { white-space: normal; min-width: 9em; }
.resonaut p { max-width: 60rem; }
.resonaut th:first-child, .resonaut td:first-child, .resonaut .words { text-align: left; }
.resonaut tbody tr:nth-child(even) { background: #f3f3f3; }
.resonaut .scroll { overflow-x: auto; } .resonaut .note { color: #555; } .resonaut .result { font-size: 1.15em; }
.resonaut img { max-width: 100%; height: auto; margin: 0; }
.items-center:has(.prose .resonaut) { align-items: start; } .items-start:has(.prose .resonaut) { flex-flow: column; }
.prose:has(.resonaut) { max-width: none; }
"""
# A verdict that finds nothing wrong.
FINE = "ok"
BAD, FAINT = f"color: {COLOURS[2]}; font-weight: bold", "color: #777"


@dataclass(frozen=True)
class Cell:
    """A cell of a table: its text, its look as CSS, and whether it holds words, which begin on the left."""

    text: str
    look: str = ""
    words: bool = False


def table(caption: str, headings: Sequence[str | Cell], rows: Sequence[Sequence[str | Cell]]) -> str:
    """A table as HTML; all texts are escaped."""
    head = "".join(_cell("th", heading) for heading in headings)
    body = "\n".join(f"<tr>{''.join(_cell('td', cell) for cell in row)}</tr>" for row in rows)
    name = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f'<div class="scroll"><table>{name}\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>'


def _cell(kind: str, content: str | Cell) -> str:
    cell = Cell(content) if isinstance(content, str) else content
    kind_of_text = ' class="words"' if cell.words else ""
    look = f' style="{escape(cell.look)}"' if cell.look else ""
    return f"<{kind}{kind_of_text}{look}>{escape(cell.text)}</{kind}>"


def paragraph(text: str) -> str:
    """A remark as HTML; the text is escaped."""
    return f'<p class="note">{escape(text)}</p>'


def write(path: Path, title: str, text: str, parts: Sequence[str]) -> None:
    """Write a page: title, ``text`` (what data it is of, as above the figures), and ``parts`` of HTML."""
    shown = escape(text).replace("$^{-1}$", "<sup>−1</sup>")
    head = f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{escape(title)}</title>'
    body = "\n".join([f"<h1>{escape(title)}</h1>", f'<p class="note">{shown}</p>', *parts])
    with atomic(path) as partial:
        partial.write_text(f'{head}\n<style>{STYLE}</style>\n<div class="resonaut">\n{body}\n</div>\n</html>\n')
