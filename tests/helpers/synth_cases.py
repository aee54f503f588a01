"""Values of the renderer that tests share."""

from tivit.synth.params import Effect, MusicParams, PressParams
from tivit.synth.scene import Sinking

NO_EFFECT = Effect(0.0, 0.0)
GEOMETRY_ALONE = PressParams(*[NO_EFFECT] * 6)
"""A press that is geometry and nothing else."""
NO_SINKING = Sinking(dim=0.0, tail=0.0, edge=0.0, edge_width=0.1, growth=0.0, black=0.0, swell=((0.0, 0.0), (0.0, 0.0)))


def music(notes_per_s: tuple[float, float], **changes: float) -> MusicParams:
    """Return music of a density, played as it is written in the usual registers; `changes` are other fields."""
    usual = {"crossing": 0.04, "roaming": 0.0, "held": 0.0, "staccato": 0.0, "legato": 0.0, "touch_depth": 0.0}
    return MusicParams(notes_per_s=notes_per_s, touches_per_s=(0.0, 0.0), **(usual | changes))
