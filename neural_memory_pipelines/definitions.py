"""The code location: what `workspace.yaml` loads. Everything is built in `defs/`."""

from neural_memory_pipelines.defs.build import build_definitions

defs = build_definitions()
