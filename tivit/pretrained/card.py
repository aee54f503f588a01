"""The card that is written beside exported weights: what they are and where they come from, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from tivit.core.artifacts import json_text
from tivit.model.build import parameter_count
from tivit.model.checkpoint import Checkpoint
from tivit.pretrained.provenance import Provenance

MOST_NAMED = 10
"""Most changed files that are named."""


def card_of(checkpoint: Checkpoint, facts: Mapping[str, str], provenance: Provenance) -> str:
    """Return the text of a card; equal content gives equal text.

    Parameters
    ----------
    checkpoint : Checkpoint
        The exported network.
    facts : mapping
        What is known of the exported file: name -> value.
    provenance : Provenance
        Where it comes from.

    Returns
    -------
    str
        Markdown.
    """
    rows = {
        "network": f"{checkpoint.params.backend}, {parameter_count(checkpoint.model):,} parameters",
        "heads": ", ".join(checkpoint.model.head_names),
        "frames per second": f"{checkpoint.fps:g}",
        "training": f"seed {checkpoint.seed}, weights of step {checkpoint.step:,}",
        **facts,
        "commit": _commit_of(provenance),
    }
    table = "\n".join(f"| {name} | {value} |" for name, value in rows.items())
    parts = [
        "# Card of exported weights",
        "Written by `tivit export-weights` beside the weights.",
        f"| | |\n|---|---|\n{table}",
    ]
    if provenance.doubt:
        parts.append(f"Params, seeds, data and scores are not recorded, because {provenance.doubt}.")
        return "\n\n".join(parts) + "\n"
    parts += ["## Scores", _block("json", json_text(provenance.scores))]
    parts += ["## Seeds", _block("yaml", _yaml(provenance.seeds()))]
    parts += [
        "## Data",
        "What the training read, and the lists of the datasets' files, by MD5.",
        _block("yaml", _yaml(provenance.data)),
    ]
    parts += ["## Params", _block("yaml", _yaml(provenance.params))]
    return "\n\n".join(parts) + "\n"


def _commit_of(provenance: Provenance) -> str:
    if not provenance.commit:
        return "not known: not in a git repository"
    if not provenance.changed:
        return f"`{provenance.commit}`"
    named = ", ".join(f"`{name}`" for name in provenance.changed[:MOST_NAMED])
    more = f" and {len(provenance.changed) - MOST_NAMED} more" if len(provenance.changed) > MOST_NAMED else ""
    return f"`{provenance.commit}`, with changes that are not committed in {named}{more}"


def _block(language: str, text: str) -> str:
    return f"```{language}\n{text.strip()}\n```"


def _yaml(values: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(values), sort_keys=True, width=120)
