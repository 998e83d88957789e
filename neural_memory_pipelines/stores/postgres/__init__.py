"""Documents, ledgers and everything else that must not be lost, in Postgres."""
