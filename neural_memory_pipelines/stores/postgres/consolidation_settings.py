"""How each workspace wants to be consolidated: the settings that it keeps under `consolidation`.

What they mean, and which values they can have, is in `domain/consolidation.py`.
"""

from __future__ import annotations

from neural_memory_pipelines.domain.consolidation import DEFAULT_CONSOLIDATION, read_consolidation, with_setting
from neural_memory_pipelines.stores.postgres.workspace_settings import SettingsGroup

_GROUP = SettingsGroup("consolidation", DEFAULT_CONSOLIDATION, read_consolidation, with_setting)

read_settings = _GROUP.read_settings
put_settings = _GROUP.put_settings
change_setting = _GROUP.change_setting
settings_of = _GROUP.settings_of
