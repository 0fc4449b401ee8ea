# SPDX-License-Identifier: Apache-2.0
"""Makes a contract that is not met explain itself."""

import pytest

pytest.register_assert_rewrite("tsuzuku.testing.contracts")
