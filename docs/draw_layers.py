#!/usr/bin/env python3
"""Draws docs/layers.svg, the layers of agent/ and the path of the data, from the tables of docs/architecture.md.

usage: draw_layers.py [--print]     without --print the picture is written beside this file
"""
import re
import sys
import textwrap
from html import escape
from pathlib import Path

HERE = Path(__file__).resolve().parent
WIDTH, LEFT, GAP, LAYERS = 960, 16, 12, 600  # pixels; the layers take the left part
STEP_X = LEFT + LAYERS + 36
LINE, HEAD = 14, 22  # of a box: a line of its description, its name

STYLE = """
    text { font: 12px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328; }
    .name { font-weight: 600; font-size: 13px; }
    .small { font-size: 11px; fill: #59636e; }
    .box { fill: #f6f8fa; stroke: #d1d9e0; }
    .dot { fill: #0969da; }
    .number { fill: #ffffff; font-size: 10px; font-weight: 600; text-anchor: middle; }
    .arrow { stroke: #0969da; fill: none; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .small { fill: #9198a1; }
      .box { fill: #151b23; stroke: #3d444d; }
      .dot { fill: #4493f8; }
      .number { fill: #0d1117; }
      .arrow { stroke: #4493f8; }
    }"""


def section(page, title):
    return page.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(text):
    """The cells of each row of the tables, without the two lines above the first one."""
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line.startswith("|")]
    return [row for row in cells if len(row) == 2 and row[0] != "folder" and not row[0].startswith("---")]


def folders(layout):
    """The description of each folder, and the folders that it may include."""
    described, includes = {}, {}
    for first, second in rows(layout):
        name = first.strip("` |")
        if match := re.fullmatch(r"(?:agent/)?(\w+)/", name):
            described[match[1]] = re.sub("`", "", second.strip(" |"))
        elif re.fullmatch(r"\w+", name):
            includes[name] = re.findall(r"`(\w+)`", second)
    includes["modules"] = ["resource"]
    return {name: described[name] for name in includes}, includes


def levels(includes):
    """The rows of folders, from the top: each folder as high as those that include it allow."""
    above = {name: [other for other in includes if name in includes[other]] for name in includes}
    known = {}

    def level(name):
        if name not in known:
            known[name] = 1 + max((level(other) for other in above[name]), default=-1)
        return known[name]

    for name in includes:
        level(name)
    # Nothing includes the modules: they stand right above what they include.
    known["modules"] = known["resource"] - 1
    return [[name for name in includes if known[name] == number] for number in range(max(known.values()) + 1)]


def steps(path):
    """Name, explanation and folders of each step of the data."""
    found = []
    for line in re.findall(r"^ {4,}(?:-> )?(.*)$", path, re.M):
        name, *rest = re.split(r"\s{2,}", line.strip())
        places = re.findall(r"(\w+)/", rest[-1]) if rest else []
        about = " ".join(rest[:-1] if places else rest)
        found.append((name, about, places))
    return found


def wrapped(text, pixels):
    return textwrap.wrap(text, int(pixels / 5.9))


class Picture:
    def __init__(self):
        self.parts = []

    def text(self, x, y, text, kind=""):
        self.parts.append(f'<text class="{kind}" x="{x}" y="{y}">{escape(text, quote=False)}</text>')

    def box(self, x, y, width, height, name, about, numbers):
        self.parts.append(f'<rect class="box" x="{x}" y="{y}" width="{width}" height="{height}" rx="6"/>')
        self.text(x + 10, y + 17, name, "name")
        for number, line in enumerate(wrapped(about, width - 20)):
            self.text(x + 10, y + HEAD + 10 + number * LINE, line, "small")
        for place, number in enumerate(reversed(numbers)):
            self.number(x + width - 14 - 22 * place, y + 13, number)

    def number(self, x, y, number):
        self.parts.append(f'<circle class="dot" cx="{x}" cy="{y}" r="9"/>')
        self.text(x, y + 3.5, str(number), "number")


def draw(page):
    about, includes = folders(section(page, "Layout"))
    data = steps(section(page, "The path of the data"))
    numbers = {name: [n for n, step in enumerate(data, 1) if name in step[2]] for name in includes}
    picture = Picture()
    picture.text(LEFT, 24, "Layers: a folder includes only folders below it", "name")
    y = 36
    for row in levels(includes):
        width = (LAYERS - GAP * (len(row) - 1)) / len(row)
        height = HEAD + LINE * max(len(wrapped(about[name], width - 20)) for name in row) + 6
        for place, name in enumerate(row):
            label = f"{name}/" if name == "modules" else f"agent/{name}/"
            picture.box(LEFT + place * (width + GAP), y, width, height, label, about[name], numbers[name])
        y += height + 8
    bottom = y

    picture.text(STEP_X - 9, 24, "The path of the data", "name")
    space = (bottom - 60) / (len(data) - 0.4)
    for number, (name, explanation, _) in enumerate(data, 1):
        top = 50 + (number - 1) * space
        if number < len(data):
            picture.parts.append(f'<path class="arrow" d="M{STEP_X} {top + 10:.0f}V{top + space - 10:.0f}"/>')
        picture.number(STEP_X, round(top), number)
        picture.text(STEP_X + 18, round(top) + 4, name, "name")
        for line, words in enumerate(wrapped(explanation, WIDTH - STEP_X - 30)):
            picture.text(STEP_X + 18, round(top) + 20 + line * LINE, words, "small")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 8}" role="img">\n'
        "  <title>The layers of mlops-agent and the path of the data</title>\n"
        f"  <style>{STYLE}\n  </style>\n" + "".join(f"  {part}\n" for part in picture.parts) + "</svg>\n"
    )


if __name__ == "__main__":
    drawn = draw((HERE / "architecture.md").read_text(encoding="utf-8"))
    if "--print" in sys.argv[1:]:
        sys.stdout.buffer.write(drawn.encode())
    else:
        (HERE / "layers.svg").write_text(drawn, encoding="utf-8")
