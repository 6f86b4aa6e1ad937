"""A real browser on a laptop opens a real Jupyter on another machine, by the link that the flagship prints."""

import json
import re
import time
from pathlib import Path

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

    tunnel_survives(world, host, laptop, link[1])
    starts_at_login(laptop)
    for one in (host, laptop):
        one.remove()


def opened(laptop, link):
    """The first line of the answer."""
    port, path = re.match(r"http://127\.0\.0\.1:(\d+)(/.*)", link).groups()
    ask = f"exec 3<>/dev/tcp/127.0.0.1/{port} && printf 'GET {path} HTTP/1.0\\r\\n\\r\\n' >&3 && head -n 1 <&3"
    return laptop.run(["timeout", "20", "bash", "-c", ask]).output.strip()


def await_page(laptop, link, seconds):
    deadline = time.monotonic() + seconds
    while not (status := opened(laptop, link)).endswith(" 200 OK"):
        assert time.monotonic() < deadline, (status, laptop.run([AGENT, "tunnels"]))
        time.sleep(0.5)


def tunnel_survives(world, host, laptop, link):
    """The host stands still for a minute, then loses its power; the link opens again without anybody doing anything."""
    assert opened(laptop, link).endswith(" 200 OK"), opened(laptop, link)
    host.freeze()
    time.sleep(60)
    told = laptop.run([AGENT, "tunnels", "--json"]).output
    host.thaw()
    assert '"state":"up"' not in told, told
    await_page(laptop, link, 45)

    before = host.address
    host.restart()
    patience = 60
    if host.address != before:
        laptop.must(f"sed -i 's/{before}/{host.address}/' /home/ubuntu/.ssh/config /home/ubuntu/.ssh/known_hosts")
        # Another host may have answered there, with the image's own host key, and refused: that is tried less often.
        patience = 400
    await_page(laptop, link, patience)


def starts_at_login(laptop):
    """A tunnel with at_login is kept by the person's own systemd from then on."""
    playbook = {"type": "port_forward", "id": "kept", "listen": "127.0.0.1:2222", "target": "127.0.0.1:22",
                "via": "mlops-zoomcamp", "at_login": True}  # fmt: skip
    laptop.write("/home/ubuntu/kept.json", json.dumps({"resources": [playbook]}), "ubuntu")
    applied = laptop.run([AGENT, "apply", "kept.json"])
    assert applied.status == DONE, applied
    laptop.restart()
    assert not laptop.agent_processes()
    laptop.must("loginctl enable-linger ubuntu")
    greeting = "exec 3<>/dev/tcp/127.0.0.1/2222 && head -c 4 <&3"
    deadline = time.monotonic() + 60
    while (said := laptop.run(["timeout", "10", "bash", "-c", greeting])).output != "SSH-":
        assert time.monotonic() < deadline, (said, laptop.must("journalctl -n 50 --no-pager"))
        time.sleep(0.5)
    kept_by = [Path(f"/proc/{process}/cgroup").read_text() for process in laptop.agent_processes()]
    assert any("user@1000.service/" in group and "mlops-agent" in group for group in kept_by), kept_by
    assert laptop.run([AGENT, "plan", "kept.json"]).status == DONE
