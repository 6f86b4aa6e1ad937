"""The same job for several configuration tools, and how a program's run is measured."""

import json
import statistics
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
LAUNCHER = tempfile.TemporaryDirectory(prefix="mlops-bench-")


def content(number):
    return f"line {number}\n" * 20


def make_folder(path):
    Path(path).mkdir(parents=True, exist_ok=True)
    return Path(path)


def agent_playbook(path, folder, count):
    """N small files, content and mode 0640, in folder, for the agent."""
    resources = [
        {"type": "file", "path": f"{folder}/f{i}", "mode": "0640", "content": content(i)} for i in range(count)
    ]
    Path(path).write_text(json.dumps({"resources": resources}, indent=1))


def cfengine_policy(path, folder, count):
    """The same for CFEngine."""
    promises = "".join(
        f'  "{folder}/f{i}" create => "true", content => "{content(i)}", perms => m640;\n' for i in range(count)
    )
    Path(path).write_text(f'bundle agent main\n{{\n files:\n{promises}}}\nbody perms m640\n{{ mode => "640"; }}\n')


def compiled(name, folder):
    """Compiles one of the C++ programs beside this file into folder; returns the program's path."""
    program = f"{folder}/{name}"
    source = str(TOP / f"tests/bench/{name}.cpp")
    subprocess.run(["g++", "-std=c++20", "-O2", "-static", source, "-o", program], check=True)
    return program


@dataclass
class Measured:
    seconds: float
    megabytes: float  # largest resident set
    status: int
    processor: float  # seconds that it computed, or the kernel for it


def measure(argv):
    """One run of a program, its output thrown away."""
    launcher = Path(LAUNCHER.name) / "measure"
    if not launcher.exists():
        compiled("measure", LAUNCHER.name)
    printed = subprocess.run([str(launcher), *argv], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    return Measured(float(printed[0]), int(printed[1]) / 1024, int(printed[2]), float(printed[3]))


def interleaved(programs, rounds, before=lambda name: None):
    """Runs each program `rounds` times in turn; returns the median run of each by name. before(name) goes first."""
    runs = {name: [] for name in programs}
    for _ in range(rounds):
        for name, argv in programs.items():
            before(name)
            runs[name].append(measure(argv))
    bad = {name: {run.status for run in list_ if run.status} for name, list_ in runs.items()}
    for name, statuses in bad.items():
        if statuses:
            raise SystemExit(f"{name} ended with {sorted(statuses)}: {' '.join(programs[name])}")

    def median(list_, figure):
        return statistics.median(getattr(run, figure) for run in list_)

    return {
        name: Measured(median(list_, "seconds"), median(list_, "megabytes"), 0, median(list_, "processor"))
        for name, list_ in runs.items()
    }
