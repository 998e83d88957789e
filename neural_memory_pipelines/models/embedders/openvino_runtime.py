"""The only import of OpenVINO, with its usage reports switched off. No graph and no model lives here.

On import OpenVINO reports the event to an analytics service, from a forked process, and leaves a client id in the
home directory, unless the package `openvino_telemetry` is missing. As its dependency that package is always there,
so it is hidden before the first import; OpenVINO then uses its own stand-in, which sends nothing.
"""

from __future__ import annotations

import sys

sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None: "import fails", see sys.modules

import openvino  # noqa: E402
from openvino import opset13 as ops  # noqa: E402

__all__ = ["openvino", "ops"]
