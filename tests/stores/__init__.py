"""Tests of the stores: one contract suite per protocol in `contracts/`, run on every implementation."""

import pytest

pytest.register_assert_rewrite(f"{__name__}.contracts")
