"""A real browser on a laptop opens a real Jupyter on another machine, by the link that the flagship prints."""

import json
import re

from host import AGENT, DONE, PLAYBOOK

LINK = re.compile(r"^Jupyter: (http://127\.0\.0\.1:\d+/tree\?token=[0-9a-f]{48})$", re.M)
NOTEBOOK = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
# The flagship's last steps alone, with Debian's own Jupyter in the place of Anaconda's.
LAST_STEPS = ["--only", "jupyter", "--only", "forward", "--set", "anaconda_prefix=/usr", "--set", "course_folder=~"]


def browser(laptop, *argv, profile="mine"):
    """Headless Chromium on the laptop, as its person; what a page leaves (cookies) stays in the profile."""
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,800",
               f"--user-data-dir=/tmp/browser-{profile}", "--virtual-time-budget=20000"]  # fmt: skip
    done = laptop.run(["chromium", *options, *argv], timeout=120)
    assert done.status == 0, done
    return done.output


def test_the_link_opens_in_a_browser(world):
    """the link that an apply from a laptop prints opens the notebooks of the other machine in the laptop's browser"""
    host = world.far_host("mlops-zoomcamp", image=world.jupyter_image)
    host.write("/home/ubuntu/lesson-one.ipynb", json.dumps(NOTEBOOK), "ubuntu")
    laptop = world.laptop({"mlops-zoomcamp": host}, image=world.laptop_image)
    applied = laptop.run([AGENT, "apply", PLAYBOOK, "--host", "mlops-zoomcamp", *LAST_STEPS])
    assert applied.status == DONE, applied
    link = LINK.search(applied.output)
    assert link, applied

    page = browser(laptop, "--dump-dom", link[1])
    for text in ("<title>Home Page", "lesson-one.ipynb", "Running"):
        assert text in page, f"{text} is not in {page[:3000]}"
    # Without the token only the way to log in is shown.
    page = browser(laptop, "--dump-dom", link[1].split("?")[0], profile="another")
    assert "lesson-one.ipynb" not in page and "token" in page, page[:3000]

    browser(laptop, "--screenshot=/home/ubuntu/jupyter.png", link[1])
    picture = laptop.read("/home/ubuntu/jupyter.png")
    assert picture.startswith(b"\x89PNG") and len(picture) > 10_000
    world.artifacts.mkdir(exist_ok=True)
    (world.artifacts / "jupyter.png").write_bytes(picture)
    for one in (host, laptop):
        one.remove()
