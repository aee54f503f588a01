"""`python tests/helpers/requirements_hashes.py`: write the hashes of everything that requirements.txt brings along.

pip itself finds the packages and their hashes, from PyPI alone and without installing anything. The settings of pip on this
machine are left out, because another index may have other builds: a torch for processors alone, say, whose hash is not PyPI's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
REQUIREMENTS, LOCKED = ROOT / "requirements.txt", ROOT / "tests/requirements-hashes.txt"
PYPI = "https://files.pythonhosted.org/"
HEAD = """# Every package that requirements.txt brings along, with the SHA-256 that PyPI states: Python 3.11, Linux x86_64.
# It is written by `python tests/helpers/requirements_hashes.py`, and used by
#     pip install -r tests/requirements-hashes.txt
# torch is PyPI's build, with its libraries for a GPU. The smaller build for processors alone (2.13.0+cpu) comes from another
# index and has another hash, so it is not installed by this file.
"""


def locked_lines(report: dict[str, Any]) -> list[str]:
    """Return one requirement with its hash for each package of a report of pip; fail where a file is not PyPI's."""
    lines = []
    for package in report["install"]:
        name, version = package["metadata"]["name"].lower().replace("_", "-"), package["metadata"]["version"]
        source = package["download_info"]
        assert source["url"].startswith(PYPI), f"{name}: {source['url']} is not of PyPI"
        lines.append(f"{name}=={version} --hash=sha256:{source['archive_info']['hashes']['sha256']}")
    return sorted(lines)


def main() -> None:
    """Ask pip and write the file."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--report", "-"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PIP_") or name == "PIP_CERT"}
    done = subprocess.run(
        [*command, "--index-url", "https://pypi.org/simple", "-r", str(REQUIREMENTS)],
        env=environment | {"PIP_CONFIG_FILE": os.devnull}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    LOCKED.write_text(HEAD + "\n".join(locked_lines(json.loads(done.stdout))) + "\n")
    print(LOCKED.relative_to(ROOT))


if __name__ == "__main__":
    main()
