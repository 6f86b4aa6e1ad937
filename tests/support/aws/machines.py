"""The machines behind the instances: none at all, or what a launcher's command starts.

A launcher is run as `CMD VERB INSTANCE_ID` and prints JSON, or nothing:

    start      stdin: the description (ec2/launch.py); prints {"public_ip", "private_ip"?, "console"?, …}; a second
               start is one after a stop, and may give another address
    stop       ends when the machine is off; its disk stays
    terminate  ends when nothing of it is left; of an unknown machine, too
    reboot     as the person would press the button
    console    prints {"console": text} as it is now
    firewall   stdin {"ingress": [{"protocol", "from", "to", "cidr"}]}: all that the machine's groups let in from now on
    wait       ends with status 0 once the machine switched itself off; killed when it is to be stopped otherwise
    allocate   prints {"public_ip"}: an address that is kept until `release`; INSTANCE_ID is `-`
    release    stdin {"public_ip"}
    move       stdin {"public_ip": address or null}: gives a running machine that address, or another of the launcher's
               choice; prints {"public_ip"}

Status 64: the launcher does not know the verb (only start, stop and terminate must be known).
"""

import itertools
import json
import subprocess
import threading

UNKNOWN_VERB = 64


class Job:
    """Work on a machine; result, error: once it is done. slow: whether it took time of its own."""

    def __init__(self, work=None, slow=False):
        self.result, self.error, self.slow = {}, None, slow
        self.thread = None
        if work:
            self.thread = threading.Thread(target=self.run, args=(work,), daemon=True)
            self.thread.start()

    def run(self, work):
        try:
            self.result = work() or {}
        except Exception as wrong:  # shown as the instance's state reason
            self.error = str(wrong)

    @property
    def done(self):
        return self.thread is None or not self.thread.is_alive()


class NoMachines:
    """Addresses of 127.100.0.0 and above, on which nothing listens."""

    def __init__(self):
        self.numbers, self.jobs = itertools.count(1), {}

    def address(self):
        number = next(self.numbers)
        return f"127.{100 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"

    def start(self, name, description):
        self.jobs[name] = Job()
        self.jobs[name].result = {"public_ip": description["public_ip"] or self.address()}

    def stop(self, name):
        self.jobs[name] = Job()

    terminate = stop

    def job(self, name):
        return self.jobs.get(name)

    def reboot(self, name):
        pass

    def firewall(self, name, ingress):
        pass

    def console(self, name):
        return None

    def allocate(self):
        return self.address()

    def give_back(self, address):
        pass

    def move(self, name, address):
        return address or self.address()

    def end(self):
        pass


class LaunchedMachines:
    """Machines that a command starts. off: called with an instance's id when it switched itself off.

    bugs: gets what a launcher failed to do that no state of an instance can say."""

    def __init__(self, command, off, bugs):
        self.command, self.off, self.bugs = command, off, bugs
        self.jobs, self.waiting, self.consoles, self.ended = {}, {}, {}, set()
        self.invented = NoMachines()

    def run(self, verb, name, said=None):
        """What the command prints; absent where it does not know the verb."""
        done = subprocess.run(
            [*self.command, verb, name], input=json.dumps(said or {}), capture_output=True, text=True, errors="replace"
        )
        if done.returncode == UNKNOWN_VERB:
            return None
        if done.returncode != 0:
            raise RuntimeError(f"{verb} {name}: status {done.returncode}: {done.stderr.strip()[-2000:]}")
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def after(self, name, work):
        """Work that begins when the machine's earlier work is done."""
        earlier = self.jobs.get(name)

        def wait_and_work():
            if earlier and earlier.thread:
                earlier.thread.join()
            return work()

        self.jobs[name] = Job(wait_and_work, slow=True)

    def start(self, name, description):
        def work():
            result = self.run("start", name, description)
            if result is None or not result.get("public_ip"):
                raise RuntimeError("the launcher's start printed no public_ip")
            self.consoles[name] = result.get("console", "")
            self.watch(name)
            return result

        self.after(name, work)

    def watch(self, name):
        process = subprocess.Popen([*self.command, "wait", name], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.waiting[name] = process

        def wait():
            if process.wait() == 0 and self.waiting.get(name) is process:
                self.off(name)

        threading.Thread(target=wait, daemon=True).start()

    def stop_watching(self, name):
        process = self.waiting.pop(name, None)
        if process and process.poll() is None:
            process.kill()

    def stop(self, name):
        self.after(name, lambda: (self.stop_watching(name), self.run("stop", name))[1])

    def terminate(self, name):
        def work():
            self.stop_watching(name)
            self.console(name)
            self.ended.add(name)
            return self.run("terminate", name)

        self.after(name, work)

    def job(self, name):
        return self.jobs.get(name)

    def reboot(self, name):
        self.after(name, lambda: self.run("reboot", name))

    def firewall(self, name, ingress):
        def work():
            try:
                self.run("firewall", name, {"ingress": ingress})
            except RuntimeError as wrong:
                self.bugs.append(str(wrong))

        self.after(name, work)

    def console(self, name):
        """Its text now, or, once it is ended, its last; nothing before it has started."""
        if name not in self.consoles:
            return ""
        if name not in self.ended:
            now = self.run("console", name)
            self.consoles[name] = now["console"] if now else self.consoles[name]
        return self.consoles[name]

    def allocate(self):
        made = self.run("allocate", "-")
        return made["public_ip"] if made else self.invented.allocate()

    def give_back(self, address):
        self.run("release", "-", {"public_ip": address})

    def move(self, name, address):
        job = self.jobs.get(name)
        if job and job.thread:
            job.thread.join()
        moved = self.run("move", name, {"public_ip": address})
        return moved["public_ip"] if moved else self.invented.move(name, address)

    def end(self):
        """Ends every machine that is left."""
        for name in list(self.jobs):
            self.terminate(name)
        for job in self.jobs.values():
            job.thread.join()
