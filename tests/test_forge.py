"""The files for the forge and for editors: they parse, and what they repeat of the project is what the project says."""

import json
import re
import tomllib

import pytest
import yaml
from doc_commands import CHECKS, check
from doc_pages import commands
from paths import ROOT

FILES = [
    *sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob(".github/**/*.yml")),
    ".pre-commit-config.yaml",
]
WORKFLOWS = [name for name in FILES if "/workflows/" in name]
SHELL = {"cat", "cd", "cp", "echo", "gh", "grep", "head", "ls", "mkdir", "mypy", "tee", "{", "}", "!"}
"""Programs of a workflow that are not the project's."""
PINS = dict(re.findall(r"^([\w.-]+)==([\w.]+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE))


def parsed(name: str) -> dict:
    """Return the content of a YAML file; the key `on` of a workflow is read as true."""
    return yaml.safe_load((ROOT / name).read_text())


@pytest.mark.parametrize("name", FILES)
def test_yaml_parses(name):
    assert isinstance(parsed(name), dict)


def test_workflow_has_least_permissions_and_the_versions_of_the_package():
    workflow = parsed(".github/workflows/ci.yml")
    assert workflow["permissions"] == {"contents": "read"}
    more = {name: job["permissions"] for name, job in workflow["jobs"].items() if "permissions" in job}
    assert more == {"metrics": {"contents": "read", "pull-requests": "write"}}
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    versions = [line.rpartition(" ")[2] for line in classifiers if re.search(r":: 3\.\d+$", line)]
    for job in ("tests", "package"):
        assert workflow["jobs"][job]["strategy"]["matrix"]["python"] == versions
    assert all("timeout-minutes" in job for job in workflow["jobs"].values())


def steps_of(name: str) -> list[dict]:
    """Return the steps of all jobs of a workflow."""
    return [step for job in parsed(name)["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_command_of_a_workflow_exists(name):
    for step in steps_of(name):
        script = re.sub(r"<<'(\w+)'\n.*?\n\s*\1$", "", step.get("run", ""), flags=re.DOTALL | re.MULTILINE)
        script = re.sub(r"\$\(.*?\)", ".", script)  # what a command prints may be anything; a dot is a path
        for words in commands(re.sub(r">+ *\S+", "", script)):
            if words[0] in CHECKS and words[0] not in SHELL | {"python"}:
                check(words)
            else:
                assert words[0] in SHELL | {"python"} or re.fullmatch(r"\w+=\S*", words[0]), f"{name}: {words}"


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_holds_no_text_of_strangers_and_no_actions_but_those_of_the_forge(name):
    """What `${{ }}` puts into a script is run by the shell, whatever a branch or a title says; variables are not."""
    for step in steps_of(name):
        assert "${{" not in step.get("run", ""), step
        assert re.match(r"actions/[\w-]+@v\d+$", step.get("uses", "actions/none@v1")), step
    assert set(parsed(name)[True]) <= {"push", "pull_request", "schedule", "workflow_dispatch"}


def test_the_nightly_run_makes_everything_again_and_keeps_the_metrics():
    workflow = parsed(".github/workflows/nightly.yml")
    assert workflow["permissions"] == {"contents": "read"} and workflow[True]["schedule"]
    steps = steps_of(".github/workflows/nightly.yml")
    assert "dvc repro --force" in [step.get("run") for step in steps]
    kept = next(step["with"]["path"].split() for step in steps if step.get("uses", "").startswith("actions/upload-artifact@"))
    outs = [
        out for stage in parsed("dvc.yaml")["stages"].values() for kind in ("outs", "metrics") for out in stage.get(kind, [])
    ]
    names = {out if isinstance(out, str) else next(iter(out)) for out in outs} | {"dvc.lock", "data/dvc.lock"}
    assert all(any(name == path or name.startswith(path) or path.startswith(name) for name in names) for path in kept)


def test_workflow_runs_what_the_script_runs():
    script = (ROOT / ".ci/run").read_text()
    steps = [step.get("run", "") for job in parsed(".github/workflows/ci.yml")["jobs"].values() for step in job["steps"]]
    for command in ("pytest", "ruff check .", "ruff format --check .", "mypy", "dvc repro --dry --allow-missing"):
        assert command in script and any(command in step for step in steps), command


def test_the_script_leaves_the_environment_of_the_user_alone():
    script = (ROOT / ".ci/run").read_text()
    code = [line for line in script.splitlines() if not line.startswith("#")]
    assert not any(re.search(r"(^|[\s/])\.venv", line) for line in code)
    assert "/.ci/venv/" in (ROOT / ".gitignore").read_text().splitlines()


def test_hooks_use_the_linter_of_the_requirements():
    repositories = {entry["repo"].rpartition("/")[2]: entry["rev"] for entry in parsed(".pre-commit-config.yaml")["repos"]}
    assert repositories["ruff-pre-commit"] == f"v{PINS['ruff']}"


def test_issue_forms_ask_for_what_is_needed():
    for name in ("bug_report", "video_that_fails"):
        form = parsed(f".github/ISSUE_TEMPLATE/{name}.yml")
        assert {"name", "description", "body"} <= form.keys()
        identifiers = [item["id"] for item in form["body"]]
        assert "command" in identifiers and len(set(identifiers)) == len(identifiers)


def test_the_container_of_editors_builds_a_stage_that_is_there():
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())
    recipe = (ROOT / ".devcontainer" / container["build"]["dockerfile"]).read_text()
    assert container["build"]["target"] in re.findall(r"^FROM \S+ AS (\w+)$", recipe, re.MULTILINE)
    copied = {source for line in re.findall(r"^COPY (.+) \S+$", recipe, re.MULTILINE) for source in line.split()}
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied == allowed and all((ROOT / name).exists() for name in copied)
