# SPDX-License-Identifier: Apache-2.0
"""For everybody who writes tests or adapters, inside and outside of this project.

contracts/   what every adapter must pass (needs pytest)
fakes        doubles of the three ports that live in memory and pass the same contracts
simulators/  a carrier and a payment provider as processes of their own, with faults on demand
"""
