"""How much worse the answers of each workspace may get: the settings that it keeps under `evaluation`.

What they mean, and which values they can have, is in `domain/evaluation_settings.py`.
"""

from __future__ import annotations

from neural_memory_pipelines.domain.evaluation_settings import DEFAULT_EVALUATION, read_evaluation, with_setting
from neural_memory_pipelines.stores.postgres.workspace_settings import SettingsGroup

_GROUP = SettingsGroup("evaluation", DEFAULT_EVALUATION, read_evaluation, with_setting)

read_settings = _GROUP.read_settings
change_setting = _GROUP.change_setting
