# SPDX-License-Identifier: Apache-2.0
"""Which door answers at which address, and the pages for what goes wrong."""

from django.urls import include, path

urlpatterns = [
    path("inbound/", include("tsuzuku.channels.inbound.urls")),
    path("console/", include("tsuzuku.channels.console.urls")),
    path("", include("tsuzuku.channels.web.urls")),
]

handler400 = "tsuzuku.project.errors.bad_request"
handler403 = "tsuzuku.project.errors.permission_denied"
handler404 = "tsuzuku.project.errors.page_not_found"
handler429 = "tsuzuku.project.errors.too_many_requests"
handler500 = "tsuzuku.project.errors.server_error"
