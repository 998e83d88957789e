"""One module per step of the lineage: plain functions over stores and models. No Dagster."""
