# SPDX-License-Identifier: Apache-2.0
"""The web application as servers want it."""

import multiprocessing
import os

from django.core.wsgi import get_wsgi_application

from tsuzuku.project.supervisor import SUPERVISOR_VARIABLE
from tsuzuku.project.tether import die_with_parent

if SUPERVISOR_VARIABLE in os.environ and (master := multiprocessing.parent_process()) and master.pid:
    # Granian's workers would outlive a killed master and keep its address occupied.
    die_with_parent(master.pid)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tsuzuku.project.settings")
application = get_wsgi_application()
