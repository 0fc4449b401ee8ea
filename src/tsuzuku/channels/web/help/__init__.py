# SPDX-License-Identifier: Apache-2.0
"""What the help pages say, as data: phones and their menus, questions and answers, doors."""
