"""How tests run: one process, one thread, no device."""

from tivit.core.run.runtime import RuntimeParams

RUNTIME = RuntimeParams(
    workers=1, engine="processes", scheduler=None, threads=1, loaders=0, device="cpu", precision="float32", compile=False,
    windows_at_once=None, log_every_steps=1,
)  # fmt: skip
