# SPDX-License-Identifier: Apache-2.0
"""What every adapter must pass, as pytest classes to subclass; see the docstring of each for the fixtures it needs.

In a conftest.py, `pytest.register_assert_rewrite("tsuzuku.testing.contracts")` makes a failure explain itself.
"""
