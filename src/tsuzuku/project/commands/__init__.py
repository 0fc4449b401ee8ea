# SPDX-License-Identifier: Apache-2.0
"""One file per command of `tsuzuku`; each holds a click command named `command`."""
