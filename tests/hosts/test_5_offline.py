"""Without the internet and with half of the sources."""

import shutil

from host import DONE, FAILED


def test_offline_does_what_can_be_done(world):
    """offline with half the sources missing, what can be done is done; with the sources back, the rest follows"""
    mirror = world.folder / "half"
    shutil.copytree(world.mirror, mirror, symlinks=True)
    for path in [mirror, *mirror.rglob("*")]:
        shutil.chown(path, 1000, 1000)
    hidden = world.folder / "hidden"
    (mirror / "github.com").rename(hidden)

    # The packages are there: apt has no mirror of ours.
    first = world.host(world.docker_image, network=False, mirror=mirror)
    half = first.agent("apply")
    assert half.status == FAILED, half
    done, failed = half.resources, half.with_outcome("failed")
    assert set(failed) == {"docker-compose", "course"}, half
    for name, url in {
        "docker-compose": "https://github.com/docker/compose/releases/download/v2.18.1/docker-compose-linux-",
        "course": "https://github.com/DataTalksClub/mlops-zoomcamp.git",
    }.items():
        reason = failed[name]["reason"] + (failed[name]["output"] or "")
        assert url in reason, f"{name} does not name its URL: {reason}"
        assert "resolve" in reason or "connect" in reason or "reach" in reason, f"{name} gives no cause: {reason}"
    for name in ("docker-person", "docker-service", "anaconda", "soft", "soft-on-path"):
        assert done[name]["outcome"] in ("ok", "changed"), half
    assert done["anaconda"]["outcome"] == "changed" and done["conda-runs"]["outcome"] == "ok", half
    assert done["compose-runs"]["outcome"] == "skipped" and "docker-compose" in done["compose-runs"]["reason"], half
    # Jupyter opens the course's folder.
    assert done["jupyter"]["outcome"] == "skipped" and "course" in done["jupyter"]["reason"], half
    assert first.read("/home/ubuntu/soft/docker-compose") is None
    assert not (first.root / "home/ubuntu/mlops-zoomcamp").exists()
    assert first.must("ls -A /home/ubuntu/soft") == "", "something was left in ~/soft"

    hidden.rename(mirror / "github.com")
    rest = first.agent("apply")
    assert rest.status == DONE, rest
    assert set(rest.with_outcome("changed")) == {"docker-compose", "course", "jupyter"}, rest
    assert first.agent("plan").status == DONE
    first.remove()


def test_offline_and_bare(world):
    """a bare host without any network does what needs no package, and names what it could not reach"""
    host = world.host(network=False)
    run = host.agent("apply")
    assert run.status == FAILED, run
    failed = run.with_outcome("failed")
    assert set(failed) == {"apt-update", "packages"}, run
    said = failed["packages"]["reason"]
    assert "http" in said and "resolving" in said, said
    for name in ("https", "anaconda", "soft", "docker-compose", "soft-on-path", "compose-found", "compose-runs",
                 "conda-runs"):  # fmt: skip
        assert run.resources[name]["outcome"] in ("ok", "changed"), run
    for name in ("docker-group", "docker-person", "docker-socket", "docker-service", "docker-answers", "hello-world",
                 "docker-runs", "course"):  # fmt: skip
        skipped = run.resources[name]
        assert skipped["outcome"] == "skipped" and "package[packages]" in skipped["reason"], run
    host.remove()
