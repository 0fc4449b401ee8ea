# SPDX-License-Identifier: Apache-2.0
"""The benchmarks: `python -m bench`, or `make bench SCALE=10`."""

from bench.command import main

main()
