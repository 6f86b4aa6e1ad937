"""What another local user cannot get root to do: each attack of SECURITY.md's table, on one host."""

import json
import os
import shutil
import sqlite3
import struct
import tempfile
import time

from host import AGENT, AgentRun

HOME = "/home/mallory"
DATABASE = f"{HOME}/.local/state/mlops-agent/state.db"
# A program that leaves a mark where only root may write.
MARK = "#!/bin/sh\ntouch /root/owned 2>/dev/null\nexit 0\n"


def neighbours(world):
    """One host for all tests of this file, with another, unprivileged local user on it."""
    if "neighbour_host" not in world.__dict__:
        host = world.host()
        host.must("mkdir -p /srv/books && mkdir -m 1777 /srv/drop && apt-get update -q >/dev/null "
                  "&& apt-get install -qy --no-install-recommends git >/dev/null")  # fmt: skip
        world.neighbour_host = host
    world.neighbour_host.must("echo kept >/etc/victim && rm -f /root/owned")
    return world.neighbour_host


def as_root(host, command, *options, timeout=120):
    done = host.run([AGENT, command, *options, "--json"], user="root", timeout=timeout)
    return AgentRun(done.status, done.output, done.errors)


def book(host, name, resources, **more):
    path = f"/srv/books/{name}.json"
    host.write(path, json.dumps({**more, "resources": resources}))
    return path


def untouched(host, run):
    assert host.read("/etc/victim") == b"kept\n", f"/etc/victim was touched: {run}"
    assert host.read("/root/owned") is None, f"a program of mallory's ran as root: {run}"


def rewrite(host, changes):
    """mallory changes rows of a database of their own. SQLite would resolve the host's root to this machine's: a copy is used."""
    place = str(host.root) + DATABASE
    with tempfile.TemporaryDirectory() as folder:
        copy = f"{folder}/state.db"
        for end in ("", "-wal"):
            if os.path.exists(place + end):
                shutil.copyfile(place + end, copy + end)
        rows = sqlite3.connect(copy)
        for change in changes:
            rows.execute(*change)
        rows.commit()
        rows.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        rows.execute("PRAGMA journal_mode = WAL")
        rows.close()
        for end in ("-wal", "-shm"):
            if os.path.exists(place + end):
                os.unlink(place + end)
        shutil.copyfile(copy, place)
    host.must(f"chown -R mallory:mallory {HOME}/.local")


def test_a_forged_database_and_undo(world):
    """undo by root does, from another user's database, only that user's steps, as that user"""
    host = neighbours(world)
    path = book(host, "forged", [
        {"type": "file", "path": "/srv/roots", "content": "x\n", "as": "root"},
        {"type": "file", "path": f"{HOME}/mine", "content": "x\n", "as": "mallory"},
    ])  # fmt: skip
    run = as_root(host, "apply", path)
    assert run.status == 0, run
    rewrite(host, [
        ("UPDATE steps SET identity = 'root', after = '{}', actions = replace(actions, ?, '/etc/victim'), "
         "before = replace(before, ?, '/etc/victim')", (f"{HOME}/mine", f"{HOME}/mine")),
        ("INSERT OR IGNORE INTO participants SELECT number, 'root' FROM runs", ()),
    ])  # fmt: skip
    undone = as_root(host, "undo", "--yes", "--force")
    untouched(host, undone)
    assert host.read("/srv/roots") is None, f"root's own part was not undone: {undone}"


def test_a_forged_database_and_once_only_commands(world):
    """a row of another user's database does not make root's once-only command run again"""
    host = neighbours(world)
    path = book(host, "once", [
        {"id": "once", "type": "command", "argv": ["sh", "-c", "echo run >>/srv/runs; touch /srv/made"],
         "creates": "/srv/made", "as": "root"},
        {"type": "file", "path": f"{HOME}/too", "content": "x\n", "as": "mallory"},
    ])  # fmt: skip
    assert as_root(host, "apply", path).status == 0
    rewrite(host, [
        ("UPDATE steps SET identity = 'root', resource = 'command[once]', type = 'command', state = 0, program = 1", ()),
        ("UPDATE runs SET outcome = NULL, ended = NULL", ()),
    ])  # fmt: skip
    again = as_root(host, "apply", path)
    assert host.read("/srv/runs") == b"run\n", f"the command ran again: {again}"


def test_set_user_id_bits(world):
    """a set-user-ID program of another user's does not become root's"""
    host = neighbours(world)
    host.must(f"cp /bin/bash {HOME}/shell && chmod 4755 {HOME}/shell && cp /bin/bash {HOME}/group && chmod 2755 {HOME}/group",
              user="mallory")  # fmt: skip
    path = book(host, "owner", [
        {"type": "file", "path": f"{HOME}/shell", "owner": "root", "as": "root"},
        {"type": "file", "path": f"{HOME}/group", "group": "root", "as": "root"},
    ])  # fmt: skip
    run = as_root(host, "apply", path)
    for name in ("shell", "group"):
        info = os.stat(f"{host.root}{HOME}/{name}")
        assert not (info.st_mode & 0o4000 and info.st_uid == 0), run
        assert not (info.st_mode & 0o2000 and info.st_gid == 0), run


def test_a_folder_before_path(world):
    """a folder that another user may write to does not come before PATH for root's commands"""
    host = neighbours(world)
    host.must(f"mkdir -p {HOME}/bin", user="mallory")
    host.write(f"{HOME}/bin/id", MARK, "mallory", 0o755)
    path = book(host, "path", [
        {"type": "path_entry", "path": f"{HOME}/bin"},
        {"type": "command", "argv": ["id"], "always": True, "as": "root"},
        {"type": "command", "argv": ["sh", "-c", "id"], "always": True, "as": "root"},
    ])  # fmt: skip
    untouched(host, as_root(host, "apply", path))


def test_a_clone_in_anothers_folder(world):
    """root's clone in another user's folder runs nothing of theirs, whatever they swap while it is made"""
    host = neighbours(world)
    host.write(f"{HOME}/evil", MARK, "mallory", 0o755)
    host.must("git init -q --bare /srv/source.git && git clone -q /srv/source.git /tmp/work 2>/dev/null && cd /tmp/work && "
              "git config user.email a@b && git config user.name a && touch a && git add a && git commit -qm a && git push -q")
    swap = (f"cd {HOME}; while :; do for f in .git .[a-z]*/.git */.git; do "
            f"[ -d $f ] && git config -f $f/config core.fsmonitor {HOME}/evil && "
            f"git config -f $f/config core.sshCommand {HOME}/evil && cp evil $f/hooks/post-checkout; done 2>/dev/null; done")
    host.must(["systemd-run", "--quiet", "--uid=mallory", "--unit=swap", "bash", "-c", swap])
    try:
        for turn in range(5):
            run = as_root(host, "apply", book(host, "clone", [
                {"type": "git", "repo": "/srv/source.git", "to": f"{HOME}/course{turn}", "as": "root"}]))  # fmt: skip
            untouched(host, run)
    finally:
        host.must("systemctl stop swap")


def test_a_playbook_that_is_swapped(world):
    """a playbook that is replaced between being judged and being read is never the one that is applied"""
    host = neighbours(world)
    evil = json.dumps({"resources": [{"type": "file", "path": "/root/owned", "content": "x\n"}]})
    host.write("/srv/books/good.json", json.dumps({"resources": []}))
    host.write(f"{HOME}/evil.json", evil, "mallory")
    host.must("ln -s /srv/books/good.json /srv/drop/good", user="mallory")
    swap = f"cd /srv/drop; while :; do ln -sfn /srv/books/good.json it.json; ln -sfn {HOME}/evil.json it.json; done"
    host.must(["systemd-run", "--quiet", "--uid=mallory", "--unit=swap", "bash", "-c", swap])
    try:
        for _ in range(60):
            untouched(host, host.run([AGENT, "apply", "/srv/drop/it.json"], user="root"))
    finally:
        host.must("systemctl stop swap")


def test_a_private_file_that_is_renamed(world):
    """root's private file in another user's folder is not given away when they rename it to a path of theirs"""
    host = neighbours(world)
    host.must(f"echo secret >{HOME}/private && chmod 600 {HOME}/private")
    host.must(f"mv {HOME}/private {HOME}/notes", user="mallory")
    run = as_root(host, "apply", book(host, "notes", [
        {"type": "file", "path": f"{HOME}/notes", "owner": "mallory", "mode": "0644", "as": "root"}]))  # fmt: skip
    info = os.stat(f"{host.root}{HOME}/notes")
    assert run.status == 1 and info.st_uid == 0 and info.st_mode & 0o777 == 0o600, f"{oct(info.st_mode)} {info.st_uid}: {run}"


def test_access_lists_of_a_former_owner(world):
    """an access control list that another user set is gone when the file becomes root's"""
    host = neighbours(world)
    host.must(f"touch {HOME}/listed", user="mallory")
    uid = int(host.id("-u", "mallory"))
    entries = [(1, 6, 0xFFFFFFFF), (2, 6, uid), (4, 4, 0xFFFFFFFF), (16, 6, 0xFFFFFFFF), (32, 4, 0xFFFFFFFF)]
    listed = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    path = f"{host.root}{HOME}/listed"
    os.setxattr(path, "system.posix_acl_access", listed)
    run = as_root(host, "apply", book(host, "listed", [
        {"type": "file", "path": f"{HOME}/listed", "content": "private\n", "owner": "root", "mode": "0600", "as": "root"}]))
    if run.status == 0:
        assert "system.posix_acl_access" not in os.listxattr(path), run
    else:
        assert os.stat(path).st_uid == uid and host.read(f"{HOME}/listed") == b"", run


def test_programs_beside_the_executable(world):
    """as root, what lies beside a copy of the agent that another user may write to is not loaded"""
    host = neighbours(world)
    host.must(f"cp -r /opt/mlops-agent/mlops-agent /opt/mlops-agent/backends {HOME}/", user="mallory")
    path = book(host, "loaded", [{"type": "file", "path": "/srv/loaded", "content": "x\n"}])
    done = host.run([f"{HOME}/mlops-agent", "apply", path], user="root")
    assert done.status != 0 and host.read("/srv/loaded") is None, done
    assert f"is not loaded: {HOME} belongs to mallory" in done.errors, done


def test_a_secret_of_anothers(world):
    """as root, a secret's file that another user owns is refused"""
    host = neighbours(world)
    host.write("/srv/books/secret", "hunter22\n", "mallory", 0o600)
    path = book(host, "secret", [{"type": "file", "path": "/srv/secret", "content": "{{secrets.s}}"}],
                secrets={"s": {"file": "/srv/books/secret"}})  # fmt: skip
    run = as_root(host, "apply", path)
    assert run.status in (3, 4) and host.read("/srv/secret") is None, run


def test_a_secret_is_private(world):
    """a new file whose content is a secret is readable by its owner alone"""
    host = neighbours(world)
    host.write("/srv/books/own", "hunter22\n", "root", 0o600)
    path = book(host, "private", [{"type": "file", "path": "/srv/token", "content": "{{secrets.s}}"}],
                secrets={"s": {"file": "/srv/books/own"}})  # fmt: skip
    run = as_root(host, "apply", path)
    assert run.status == 0 and os.stat(f"{host.root}/srv/token").st_mode & 0o777 == 0o600, run


def test_links_to_a_state_folder(world):
    """the state folder of an account without a home is not reached through a link that somebody planted"""
    host = neighbours(world)
    host.must("useradd --system --no-create-home --home-dir /nonexistent --shell /bin/sh homeless && mkdir -p /srv/other && "
              "chown homeless: /srv/other")  # fmt: skip
    uid = host.id("-u", "homeless")
    host.must(f"ln -s /srv/other /var/tmp/mlops-agent-{uid}", user="mallory")
    run = as_root(host, "apply", book(host, "homeless", [
        {"type": "command", "argv": ["true"], "always": True, "as": "homeless"}]))  # fmt: skip
    assert not os.listdir(f"{host.root}/srv/other"), run


def test_a_lock_that_is_taken(world):
    """a file in /tmp that another user made does not keep a system user's run from starting"""
    host = neighbours(world)
    uid = host.id("-u", "nobody")
    host.must(f"touch /tmp/mlops-agent-{uid}.lock; sleep 300 9</tmp/mlops-agent-{uid}.lock & flock 9 true; true", user="mallory")
    path = book(host, "nobody", [{"type": "command", "argv": ["true"], "always": True}])
    done = host.run(["setpriv", "--reuid=nobody", "--clear-groups", AGENT, "apply", path], user="root", timeout=60)
    assert done.status in (0, 1), done


def test_what_is_no_file(world):
    """a FIFO as a playbook or a source is refused at once, instead of being waited for"""
    host = neighbours(world)
    host.must("mkfifo /srv/books/fifo")
    path = book(host, "source", [{"type": "file", "path": "/srv/from-fifo", "source": "fifo"}])
    for playbook in ("/srv/books/fifo", path):
        begin = time.monotonic()
        done = host.run([AGENT, "plan", playbook], user="root", timeout=30)
        assert done.status in (1, 3) and time.monotonic() - begin < 5, done
        assert "regular file" in done.errors + done.output, done


def test_another_users_ssh_configuration(world):
    """as root, --ssh-config of another user is not followed: it may run programs"""
    host = neighbours(world)
    host.write(f"{HOME}/evil", MARK, "mallory", 0o755)
    host.write(f"{HOME}/config", f"Host box\n  HostName 127.0.0.1\n  ProxyCommand {HOME}/evil\n", "mallory", 0o644)
    path = book(host, "remote", [{"type": "directory", "path": "/srv/remote"}])
    done = host.run([AGENT, "plan", path, "--host", "box", "--ssh-config", f"{HOME}/config"], user="root", timeout=60)
    assert done.status in (3, 4), done
    untouched(host, done)
