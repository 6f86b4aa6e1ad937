"""From an empty AWS account to Jupyter in the laptop's browser, stopped, started at another address, and ended."""

import functools
import re
import secrets
import stat

from host import AGENT, DONE, MIRROR, PENDING, AgentRun, docker
from test_1_flagship import said_unknown, same_after
from test_91_browser import LINK, await_page, browser
from world import once

LONG = True
PLAYBOOK = "/opt/playbooks/zoomcamp-aws.json"
NAME = "mlops-zoomcamp"
SSH = "/home/ubuntu/.ssh"
MOST_CALLS = 6  # of a run that changes nothing


def of_resources(run, *outcomes):
    return [e for e in run.events if e["event"] == "resource" and (not outcomes or e["outcome"] in outcomes)]


class Course:
    """One laptop and its account; each step is taken once, after those that it needs."""

    def __init__(self, world):
        self.laptop = world.host(world.laptop_image)
        self.account = world.account(self.laptop)

    def agent(self, command, *options):
        argv = [AGENT, command, PLAYBOOK, "--mirror", MIRROR, "--json", *options]
        done = self.laptop.run(argv, env=self.account.environment, timeout=900)
        return AgentRun(done.status, done.output, done.errors)

    def link(self):
        """The link that an apply shows to a person, which changes nothing now."""
        argv = [AGENT, "apply", PLAYBOOK, "--mirror", MIRROR]
        done = self.laptop.run(argv, env=self.account.environment)
        found = LINK.search(done.output)
        assert done.status == DONE and found, done
        return found[1]

    @functools.cached_property
    def first_link(self):
        assert self.made.status == DONE, self.made
        return self.link()

    def listed(self):
        """What `cloud list` says."""
        done = self.laptop.run([AGENT, "cloud", "list", "--json"], env=self.account.environment)
        assert done.status == DONE, done
        return AgentRun(done.status, done.output, done.errors).events

    def ssh(self, command):
        """OpenSSH's own client, with nothing but what the agent wrote."""
        return self.laptop.run(["ssh", "-o", "BatchMode=yes", NAME, command], timeout=60)

    def instance(self):
        (one,) = self.account.instances()
        return one

    def configured_address(self):
        """The address that ssh's configuration names; absent where it has none."""
        found = re.search(r"HostName (\S+)", (self.laptop.read(f"{SSH}/config") or b"").decode())
        return found and found[1]

    def calls_of(self, run):
        """What a run asks of AWS, besides the run."""
        self.account.control(clear_calls=True)
        done = run()
        return done, [call["action"] for call in self.account.calls()]

    @functools.cached_property
    def planned(self):
        """The plan, its calls, and what was there after it."""
        plan, calls = self.calls_of(lambda: self.agent("plan"))
        return plan, calls, self.account.instances(), self.laptop.read(f"{SSH}/config")

    @functools.cached_property
    def made(self):
        self.planned
        return self.agent("apply")

    @functools.cached_property
    def again(self):
        """The second apply, and its calls."""
        self.first_link
        return self.calls_of(lambda: self.agent("apply"))

    @functools.cached_property
    def stopped(self):
        """Stopped; its address is another machine's from then on."""
        self.again
        self.first_address = self.configured_address()
        run = self.agent("apply", "--set", "power=stopped")
        self.other = f"i-0{secrets.token_hex(8)}"
        said = {
            "instance_id": self.other, "private_ip": "172.31.0.99", "public_ip": self.first_address, "tags": {},
            "ingress": [{"protocol": "-1", "from": 0, "to": 0, "cidr": "0.0.0.0/0"}], "image": {"user": "ubuntu"},
            "public_keys": [], "user_data_base64": None,
        }  # fmt: skip
        self.account.launcher.run("start", self.other, said)
        return run

    @functools.cached_property
    def started(self):
        assert self.stopped.status == DONE, self.stopped
        return self.agent("apply")

    @functools.cached_property
    def ended(self):
        return self.agent("apply", "--set", "power=absent")


@once
def course(world):
    return Course(world)


def test_plan_of_nothing(world):
    """plan of an empty account names every step, makes only calls that read, and changes nothing on the laptop"""
    plan, calls, instances, configuration = course(world).planned
    assert plan.status == PENDING, plan
    assert plan.resources["box"]["outcome"] == "would_change", plan.resources["box"]
    (waiting,) = [event for event in of_resources(plan) if event["type"] == "jupyter"]
    assert waiting["outcome"] == "unknown" and waiting["reason"], waiting
    assert not [name for name in calls if not name.startswith(("Describe", "Get"))], calls
    assert not instances and configuration is None


def test_apply_makes_a_machine_as_planned(world):
    """apply makes one machine that only the laptop may reach, and changes nothing that its plan did not name"""
    made, account, laptop = course(world).made, course(world).account, course(world).laptop
    assert made.status == DONE, f"{made}\n{[account.console(i['id'])[-3000:] for i in account.instances()]}"
    planned = {}
    for run in (course(world).planned[0], made):  # which plans what is on the machine once that is there
        planned |= {(e["host"], e["label"]): e for e in of_resources(run, "would_change", "unknown")}
    for done in of_resources(made, "changed"):
        whole = done["label"].rpartition("[")[0]  # of a for_each over hosts that nobody knows yet
        plan = planned.get((done["host"], done["label"])) or planned.get((done["host"], whole))
        assert plan, f"{done['host']} {done['label']} was changed and not planned"
        listed = {change["property"]: change for change in plan["changes"]}
        for change in done["changes"] if plan["outcome"] == "would_change" else []:
            if change["property"] not in listed and said_unknown(change["property"], change, listed):
                continue
            assert change["property"] in listed, (done, plan)
            assert same_after(listed[change["property"]]["after"], change["after"]), (change, plan)

    instance = course(world).instance()
    assert instance["state"] == "running" and instance["metadata"]["HttpTokens"] == "required", instance
    assert {rule["cidr"] for rule in instance["ingress"]} == {f"{account.here}/32"}, instance["ingress"]
    mode = (laptop.root / f"{SSH}/{NAME}.pem".lstrip("/")).stat().st_mode
    assert stat.S_IMODE(mode) == 0o400, oct(mode)


def test_the_machine_is_ready_and_proven(world):
    """ssh finds the machine by its name with a host key that is bound to the instance, and the course's programs there"""
    course(world).first_link
    known = (course(world).laptop.read(f"{SSH}/known_hosts") or b"").decode().splitlines()
    there = course(world).ssh("cat /etc/ssh/ssh_host_ed25519_key.pub").output.split()
    assert known == [f"{course(world).instance()['id']} {there[0]} {there[1]}"], (known, there)
    ran = course(world).ssh("docker-compose version && docker version && ls mlops-zoomcamp && ~/anaconda3/bin/conda --version")
    assert ran.status == 0 and "2.18.1" in ran.output and "01-intro" in ran.output, ran


def test_the_link_opens_in_a_browser(world):
    """the link that apply shows opens the course's notebooks in the laptop's browser"""
    page = browser(course(world).laptop, "--dump-dom", course(world).first_link)
    for text in ("<title>Home Page", "01-intro", "Running"):
        assert text in page, f"{text} is not in {page[:3000]}"


def test_second_apply_changes_nothing(world):
    """typed again it changes nothing, and asks AWS little"""
    run, calls = course(world).again
    assert run.status == DONE and run.summary["changed"] == 0, run
    assert not [name for name in calls if not name.startswith(("Describe", "Get"))], calls
    assert len(calls) <= MOST_CALLS, calls
    (one,) = course(world).listed()
    assert (one["name"], one["state"], one["launched_here"]) == (NAME, "running", True), one
    assert one["public_address"] == course(world).configured_address(), one


def test_stop(world):
    """with power=stopped the machine is off, and its disk is kept"""
    run = course(world).stopped
    assert run.status == DONE, run
    assert course(world).instance()["state"] == "stopped"
    (one,) = course(world).listed()
    assert one["state"] == "stopped" and one["public_address"] is None, one


def test_start_at_another_address(world):
    """without it the machine starts again: ssh and the tunnel follow its new address, and the same link opens"""
    run = course(world).started
    assert run.status == DONE, run
    address = course(world).configured_address()
    assert address != course(world).first_address
    assert address == course(world).instance()["public_ip"]
    link = course(world).first_link
    await_page(course(world).laptop, link, 60)
    assert "01-intro" in browser(course(world).laptop, "--dump-dom", link, profile="later")
    assert course(world).link() == link
    assert course(world).ssh("ls mlops-zoomcamp").status == 0


def logged_in(machine):
    """What another machine's sshd says of those who came."""
    log = docker("exec", f"mlops-aws-{machine}", "journalctl", "--unit=ssh", "--no-pager")
    return [line for line in log.splitlines() if "Accepted" in line or "session opened" in line]


def test_another_machine_at_the_old_address(world):
    """another machine at the address that the stopped one had is no alarm to a run, and gets nothing from the laptop"""
    one, laptop = course(world), course(world).laptop
    run = one.started
    assert run.status == DONE, run
    told = run.errors + " ".join(str(event) for event in run.events if event["event"] == "notice")
    assert not re.search(r"host key|identification|man in the middle", told, re.IGNORECASE), told
    new = one.configured_address()

    # As where somebody else started the machine: ssh still has the old address.
    laptop.must(f"sed -i 's/{new}/{one.first_address}/' {SSH}/config")
    assert one.ssh("true").status != 0, "another machine passed for ours"
    assert one.link() == one.first_link
    assert one.configured_address() == new
    assert one.ssh("true").status == 0
    assert not logged_in(one.other), logged_in(one.other)
    keys = docker("exec", f"mlops-aws-{one.other}", "cat", "/etc/ssh/ssh_host_ed25519_key.pub").split()[1]
    known = (laptop.read(f"{SSH}/known_hosts") or b"").decode()
    assert keys not in known and one.first_address not in known, known


def test_the_laptop_moves(world):
    """where the laptop has another address, the tunnel's process lets that one in by one call, and the same link opens"""
    one = course(world)
    one.started
    one.account.control(clear_calls=True)
    one.account.move_laptop()
    await_page(one.laptop, one.first_link, 120)
    changing = [call["action"] for call in one.account.calls() if not call["action"].startswith(("Describe", "Get"))]
    assert changing == ["ModifySecurityGroupRules"], changing
    assert {rule["cidr"] for rule in one.instance()["ingress"]} == {f"{one.account.here}/32"}, one.instance()["ingress"]
    assert one.agent("apply").summary["changed"] == 0


def test_end(world):
    """with power=absent the machine is gone, nothing of ours runs in the account, and the second run changes nothing"""
    one = course(world)
    one.started
    assert one.ended.status == DONE, one.ended
    assert not one.account.instances()
    assert not one.listed()
    again = one.agent("apply", "--set", "power=absent")
    assert again.status == DONE and again.summary["changed"] == 0, again
    one.account.remove()
    one.laptop.remove()
