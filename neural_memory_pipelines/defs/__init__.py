"""All that knows Dagster. Thin: definitions here call steps, and steps do the work."""

import warnings

import dagster as dg

# We use these on purpose and pin Dagster exactly: partition mappings, partitioned checks.
for _category in (dg.BetaWarning, dg.PreviewWarning):
    warnings.simplefilter("ignore", category=_category)
