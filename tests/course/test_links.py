"""The links of the lessons, the map, the glossary and the docs lead where they say."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.course.test_reliability import NAMED, ROOT, named_in
from tools.notebooks import NOTEBOOKS, read

LESSONS = sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))
PAGES = sorted(NOTEBOOKS.glob("*.ipynb"))
WORDS = {
    *("Process", "Parent", "Child", "Worker", "Pool", "Task", "Start-method", "Start-up"),
    *("Makespan", "Total", "Utilisation", "Speed-up", "Tasks-in-flight", "On-a-core"),
    *("Chunk", "Straggler", "Queue", "Sentinel", "Lane"),
}
"""The words that the course promises to use, as anchors."""


def prose(path: Path) -> str:
    """Return a notebook's texts, without the code in them."""
    cells = read(path).cells
    texts = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return re.sub(r"(?ms)^```.*?^```$", "", texts)


def links(path: Path) -> list[tuple[str, str]]:
    """Return the text and the target of each link in a notebook."""
    return re.findall(r"\[([^\[\]]+)\]\(([^()\s]+)(?: \"[^\"]*\")?\)", prose(path))


def explained(path: Path) -> set[tuple[str, str]]:
    """Return the anchors in the glossary that a notebook links to, with the links' explanations."""
    return set(re.findall(r"\(glossary\.ipynb#(\S+?)(?: \"([^\"]*)\")?\)", prose(path)))


def entries() -> list[str]:
    """Return the entries of the glossary, each with its term in the first line."""
    words, _, _ = prose(NOTEBOOKS / "glossary.ipynb").partition("\n## ")
    return words.split("\n### ")[1:]


def words_in_chinese() -> dict[str, tuple[str, str]]:
    """Return the table at the end of the glossary: Chinese word and source by the English word."""
    _, _, table = prose(NOTEBOOKS / "glossary.ipynb").partition("\n## The words in Chinese")
    rows = re.findall(r"(?m)^\| (?:\[([^]]+)\]\(\S+\)|(\w[^|]*)) \| ([^|-]+) \| (\w) \|$", table)
    return {entry or other: (chinese, source) for entry, other, chinese, source in rows}


def first_sentences() -> dict[str, str]:
    """Return the first sentence of each entry of the glossary, without its markup."""
    found = {}
    for entry in entries():
        term, _, text = entry.partition("\n")
        sentence = re.match(r"(?s).*?\.(?=\s)", text)[0]
        found[term.replace(" ", "-")] = re.sub(r"[`*]", "", sentence.replace("\n", " "))
    return found


def anchors(path: Path) -> list[str]:
    """Return the anchors that JupyterLab gives to a notebook's headings."""
    return [text.replace(" ", "-") for text in re.findall(r"(?m)^#+ +(.+)$", prose(path))]


def wrong_links(path: Path) -> Iterator[str]:
    """Yield the links that lead nowhere."""
    for text, target in links(path):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        page = NOTEBOOKS / file
        if not page.is_file():
            yield f"[{text}]({target}): there is no such file"
        elif anchor and anchor not in anchors(page):
            yield f"[{text}]({target}): there is no such heading"


def needs(path: Path) -> set[str]:
    """Return the numbers of the lessons that a lesson says its reader should have met."""
    (line,) = re.findall(r"(?ms)^\*About .*?\.\*", prose(path))
    return set(re.findall(r"\((\d\d)_\w+\.ipynb\)", line))


def minutes(path: Path) -> str:
    """Return how many minutes a lesson says that it takes."""
    said = re.search(r"(?m)^\*About ([a-z-]+|\d+) minutes\b", prose(path))[1]
    words = {"five": "5", "ten": "10", "fifteen": "15", "twenty": "20"}
    return words.get(said, said)


def rows() -> list[list[str]]:
    """Return the cells of the map's table, without its head."""
    lines = [line for line in prose(NOTEBOOKS / "index.ipynb").splitlines() if line[:1] == "|"]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def arrows() -> set[tuple[str, str]]:
    """Return the arrows of the map's picture, as pairs of lessons' numbers."""
    source = "\n".join(cell.source for cell in read(NOTEBOOKS / "index.ipynb").cells)
    picture = re.search(r"(?ms)^```mermaid\n(.*?)^```$", source)[1]
    return {
        (start, end)
        for starts, end in re.findall(r"(?m)^ *L(\d\d(?: & L\d\d)*) --> L(\d\d)$", picture)
        for start in starts.split(" & L")
    }


def test_every_link_leads_somewhere() -> None:
    assert [f"{path.stem}: {wrong}" for path in PAGES for wrong in wrong_links(path)] == []


def test_every_lesson_links_to_the_map_the_glossary_and_pythons_own_page() -> None:
    for path in LESSONS:
        targets = [target for _, target in links(path)]
        assert "index.ipynb" in targets, path.stem
        for page in ("glossary.ipynb#", "https://docs.python.org/3/library/"):
            assert any(target.startswith(page) for target in targets), f"{path.stem}: {page}"


def test_a_link_to_another_site_reads_as_its_address_without_a_network() -> None:
    others = [link for path in LESSONS for link in links(path) if link[1].startswith("https://")]
    assert len(others) > len(LESSONS)
    for text, target in others:
        assert text == target.removeprefix("https://").partition("#")[0]


def test_every_lesson_ends_with_the_next_one() -> None:
    following = [path.name for path in LESSONS[1:]] + ["index.ipynb"]
    assert [links(path)[-1][1] for path in LESSONS] == following


def test_the_map_lists_every_lesson_with_what_it_builds_on_and_its_minutes() -> None:
    listed = {re.search(r"\((.+)\)", row[0])[1]: row for row in rows()}
    assert list(listed) == [path.name for path in LESSONS]
    for path in LESSONS:
        _, _, met, time = listed[path.name]
        assert set(re.findall(r"\d\d", met)) == needs(path)
        assert time == minutes(path)


def test_the_picture_of_the_map_has_the_arrows_that_the_lessons_name() -> None:
    assert arrows() == {(need, path.stem[:2]) for path in LESSONS for need in needs(path)}


def test_the_glossary_has_the_courses_words_in_order() -> None:
    terms = [entry.partition("\n")[0] for entry in entries()]
    assert terms == sorted(terms, key=str.casefold)
    assert len(terms) == len(set(terms))
    assert {term.replace(" ", "-") for term in terms} >= WORDS


def test_each_entry_of_the_glossary_names_its_lesson() -> None:
    assert [entry for entry in entries() if not re.search(r"→\s\[?\d\d \w", entry)] == []


def test_each_entry_of_the_glossary_has_its_chinese_word_and_where_it_comes_from() -> None:
    found = words_in_chinese()
    assert {entry.partition("\n")[0] for entry in entries()} <= set(found)
    assert list(found) == sorted(found, key=str.casefold)
    assert {source for _, source in found.values()} == {"L", "P", "O"}
    assert found["Process"] == ("进程", "L")


def test_a_word_is_explained_where_the_mouse_rests_on_it() -> None:
    sentences = first_sentences()
    words = set().union(*map(explained, LESSONS))
    assert len(words) > 10
    assert words == {(anchor, sentences[anchor]) for anchor, _ in words}


def test_a_link_that_leads_nowhere_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    page = read(NOTEBOOKS / "index.ipynb")
    page.cells[0].source += "\n[one](99_none.ipynb) [two](glossary.ipynb#Nowhere)"
    found = {path.name: read(path) for path in PAGES} | {"index.ipynb": page}
    monkeypatch.setattr(sys.modules[__name__], "read", lambda path: found[path.name])
    assert len(list(wrong_links(NOTEBOOKS / "index.ipynb"))) == 2


def test_every_fault_that_is_tried_is_on_the_page_about_reliability() -> None:
    """The page is docs/reliability.md."""
    events = {
        (f"tests/faults/{path.name}", test)
        for path in (ROOT / "tests" / "faults").glob("test_*_*s.py")
        for test in named_in(path)
    }
    assert len(events) > 20
    assert sorted(events - set(NAMED)) == []
