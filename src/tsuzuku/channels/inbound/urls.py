# SPDX-License-Identifier: Apache-2.0
"""One address for each kind of sender, named as in the settings."""

from django.urls import path

from tsuzuku.channels.inbound import views

urlpatterns = [
    path("payments/<str:provider>", views.payments, name="inbound_payments"),
    path("messages/<str:kind>", views.messages, name="inbound_messages"),
]
