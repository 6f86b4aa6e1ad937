"""What makes a host hard to work with: how it lets people in, where it lets them write, and what greets them."""


def sshd(host, *lines):
    """Adds lines to sshd's configuration (first wins there, and these come first), for connections from now on."""
    host.write("/etc/ssh/sshd_config.d/00-test.conf", "\n".join(lines) + "\n")
    host.must("sshd -t && systemctl restart ssh")


def noexec(host, *folders):
    """Nothing can be executed below these folders."""
    for folder in folders:
        host.must(f"mountpoint -q {folder} || mount --bind {folder} {folder}; mount -o remount,bind,noexec {folder}")


def read_only(host, *folders):
    for folder in folders:
        host.must(f"mountpoint -q {folder} || mount --bind {folder} {folder}; mount -o remount,bind,ro {folder}")


def full(host, *folders, left=0, owner="ubuntu"):
    """A file system of its own stands at each folder, with so many bytes left. It hides the folder's own entries."""
    for folder in folders:
        host.must(
            f"mkdir -p {folder}; mode=$(stat -c %a {folder}); size=$((8 << 20)); "
            f"mount -t tmpfs -o size=$size,mode=$mode,uid=$(id -u {owner}),gid=$(id -g {owner}) none {folder}; "
            f"head -c $((size - {left})) /dev/zero >{folder}/filler"
        )


def banner(host, text, user="ubuntu"):
    """bash prints it for everything that is run over ssh: at the start of .bashrc, before it looks who asks."""
    path = f"/home/{user}/.bashrc"
    before = (host.read(path) or b"").decode()
    host.write(path, f"cat <<'END_OF_BANNER'\n{text}\nEND_OF_BANNER\n{before}", owner=user)
