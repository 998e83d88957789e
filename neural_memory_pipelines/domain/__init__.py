"""The domain: values and pure rules. Frozen, no input or output, no framework."""
