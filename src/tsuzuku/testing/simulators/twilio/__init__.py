# SPDX-License-Identifier: Apache-2.0
"""Twilio as far as Tsuzuku needs it: the Messages resource with its errors, and status callbacks with their signature.

It keeps its messages while it runs. Magic numbers are Twilio's own test numbers
(https://www.twilio.com/docs/iam/test-credentials). Checked: 2026-11-22.
"""
