"""The example campaign as the API wants it: three stages of a toy detector."""

import sys
from pathlib import Path
from typing import Any

EXPERIMENT, CAMPAIGN = "hypot", "toy_detector"
PARAMETERS = [["electron", "muon"], ["1GeV", "3GeV"]]
SLICES, JOBS, EVENTS = 4, 54, 20

DETECTOR = Path(__file__).parent / "detector"


def build_program(name: str, python: str) -> list[str]:
    """A program of the detector, as a list of words; -E and -s keep other people's Python settings out."""
    return [python, "-E", "-s", str(DETECTOR / name)]


def build_job_type(name: str, pattern: str, python: str) -> dict[str, Any]:
    """What a stage's jobs run, what they must make, and how it is done again."""
    return {
        "experiment": EXPERIMENT,
        "name": name,
        "command": build_program(f"{name}.py", python),
        "outputCheck": build_program("check.py", python),
        "patterns": [pattern],
        "recoveries": [{"type": "consumed_status", "rounds": 4}],
        "resources": {"memoryMb": 150, "walltimeS": 5},
    }


def build_job_types(batch_system: str) -> list[dict[str, Any]]:
    """One for each stage; on other machines jobs run the Python that those have."""
    python = sys.executable if batch_system == "local" else "python3"
    return [
        build_job_type("generate", "gen_*.jsonl", python),
        build_job_type("reconstruct", "reco_*.jsonl", python),
        build_job_type("merge", "hist_*.jsonl", python),
    ]


def build_stage(name: str, faults: float, **more: Any) -> dict[str, Any]:
    """One stage, with the share of its jobs that fail on purpose."""
    return {
        "name": name,
        "jobType": name,
        "loginSetup": "here",
        "softwareVersion": "v1",
        "completionPct": 90,
        "parameters": [{"key": "--faults=", "value": str(faults)}],
        **more,
    }


def build_campaign(faults: float, batch_system: str, jobs: int = JOBS) -> dict[str, Any]:
    """The whole campaign; the generator's edge to itself launches its next parameter, of so many jobs."""
    all_ = {"batchSystem": batch_system}
    generator = {
        "kind": "GENERATOR",
        "split": "multiparam()",
        "parameterLists": PARAMETERS,
        "jobsPerSlice": jobs,
        "eventsPerJob": EVENTS,
    }
    return {
        "experiment": EXPERIMENT,
        "name": CAMPAIGN,
        "description": "Toy detector: generate, reconstruct, merge.",
        "stages": [
            build_stage("generate", faults, **all_, **generator),
            build_stage("reconstruct", faults, **all_, filesPerJob=4),
            build_stage("merge", faults, **all_, filesPerJob=30),
        ],
        "dependencies": [
            {"upstream": "generate", "downstream": "generate"},
            {"upstream": "generate", "downstream": "reconstruct", "patterns": ["gen_*.jsonl"]},
            {"upstream": "reconstruct", "downstream": "merge", "patterns": ["reco_*.jsonl"]},
        ],
        "comment": "The example of `make run`.",
    }


def build_rucio_credential(path: str) -> dict[str, Any]:
    """Rucio's password, which lies below the experiment's folder of credentials."""
    return {"experiment": EXPERIMENT, "name": "rucio", "kind": "PASSWORD", "path": path}


def build_rucio_catalog(access: dict[str, str], store: Path) -> dict[str, Any]:
    """The Rucio in which outputs are declared: what lies in the store has its prefix there."""
    settings = {
        "account": access["account"],
        "user": access.get("user", access["account"]),
        "outputs_scope": access["scope"],
        "outputs_storage": access["storage"],
        "outputs_folder": str(store),
        "outputs_prefix": access["prefix"],
    }
    return {
        "experiment": EXPERIMENT,
        "name": "rucio",
        "kind": "RUCIO",
        "url": access["url"],
        "settings": [{"name": name, "value": value} for name, value in settings.items()],
        "credential": "rucio",
    }
