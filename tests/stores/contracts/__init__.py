"""Contract suites: what every implementation of a store protocol must pass. No implementation is named here."""
