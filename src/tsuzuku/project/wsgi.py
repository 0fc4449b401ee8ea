# SPDX-License-Identifier: Apache-2.0
"""The web application as servers want it."""

import multiprocessing
import os

import django

from tsuzuku.project.supervisor import SUPERVISOR_VARIABLE
from tsuzuku.project.tether import die_with_parent

if SUPERVISOR_VARIABLE in os.environ and (master := multiprocessing.parent_process()) and master.pid:
    # Granian's workers would outlive a killed master and keep its address occupied.
    die_with_parent(master.pid)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tsuzuku.project.settings")
django.setup(set_prefix=False)

from tsuzuku.project.middleware import Handler  # noqa: E402  # only once Django is ready

application = Handler()
