# SPDX-License-Identifier: Apache-2.0
"""The website's addresses, short enough to be read aloud. Of allauth's pages only those that are needed have one."""

from django.conf import settings
from django.urls import path

from tsuzuku.channels.web.views import (
    account,
    automatic,
    balance,
    cards,
    devices,
    doors,
    mailbox,
    orders,
    passkeys,
    proof,
    receipts,
    renewing,
)

urlpatterns = [
    path("", doors.home, name="home"),
    path("open", doors.open_card, name="open_card"),
    path("leave", doors.leave, name="leave"),
    path("language", doors.choose_language, name="choose_language"),
    path("currency", doors.choose_currency, name="choose_currency"),
    path("cards", cards.my_cards, name="my_cards"),
    path("cards/add", cards.add_card, name="add_card"),
    path("c/<str:token>", cards.card_page, name="card"),
    path("c/<str:token>/keep", cards.keep_card, name="keep_card"),
    path("c/<str:token>/name", cards.name_card, name="name_card"),
    path("c/<str:token>/start/<int:lot_id>", cards.start_lot, name="start_lot"),
    path("c/<str:token>/automatic", automatic.automatic_page, name="automatic"),
    path("c/<str:token>/automatic/off", automatic.automatic_off, name="automatic_off"),
    path("automatic/stop/<str:stop_token>", automatic.stop_automatic, name="stop_automatic"),
    path("methods/<int:method_id>/remove", automatic.remove_method, name="remove_method"),
    path("c/<str:token>/plans", renewing.plans, name="plans"),
    path("c/<str:token>/renew/<str:plan_code>", renewing.confirm, name="confirm"),
    path("orders", orders.my_orders, name="my_orders"),
    path("o/<str:number>", orders.order_page, name="order"),
    path("o/<str:number>/k/<str:key>", orders.open_order, name="open_order"),
    path("o/<str:number>/k/<str:key>/receipt", orders.open_order, {"page": "receipt"}, name="open_receipt"),
    path("o/<str:number>/progress", orders.order_progress, name="order_progress"),
    path("o/<str:number>/pay", orders.pay, name="pay"),
    path("o/<str:number>/cancel", orders.cancel, name="cancel"),
    path("o/<str:number>/receipt", receipts.receipt_page, name="receipt"),
    path("o/<str:number>/receipt/pdf", receipts.receipt_pdf, name="receipt_pdf"),
    path("o/<str:number>/receipt/mail", receipts.receipt_mail, name="receipt_mail"),
    path("balance", balance.balance_page, name="balance"),
    path("balance/top-up", balance.top_up, name="top_up"),
    path("verify", receipts.verify, name="verify"),
    path("verify/keys.json", receipts.verify_keys, name="verify_keys"),
    path("account", account.account_page, name="account"),
    # Where allauth sends somebody who is logged in and has no address to confirm.
    path("account", account.account_page, name="account_email"),
    path("account/prove", proof.prove, name="prove"),
    path("account/prove/code", proof.prove_code, name="prove_code"),
    path("account/devices", devices.devices_page, name="devices"),
    path("account/devices/end", devices.end_others, name="end_other_devices"),
    path("account/devices/<int:browser_id>/end", devices.end, name="end_device"),
    path("account/passkeys", passkeys.passkeys_page, name="passkeys"),
    path("account/passkeys/add", passkeys.add_passkey, name="add_passkey"),
    path("account/passkeys/<int:passkey_id>/name", passkeys.name_passkey, name="name_passkey"),
    path("account/passkeys/<int:passkey_id>/remove", passkeys.remove_passkey, name="remove_passkey"),
    path("login/code", account.RequestCodeView.as_view(), name="account_request_login_code"),
    path("login/code/enter", account.EnterCodeView.as_view(), name="account_confirm_login_code"),
    path("login/passkey", passkeys.LoginView.as_view(), name="mfa_login_webauthn"),
    path("login", account.LoginView.as_view(), name="account_login"),
    path("logout", account.LogoutView.as_view(), name="account_logout"),
    path("signup", account.SignupView.as_view(), name="account_signup"),
    path("signup/code", account.VerifyView.as_view(), name="account_email_verification_sent"),
    path("closed", account.ClosedView.as_view(), name="account_inactive"),
    path("password", account.ChangePasswordView.as_view(), name="account_change_password"),
    path("forgot", account.ForgotPasswordView.as_view(), name="account_reset_password"),
    # Where allauth sends somebody who has no password yet and wants to change it.
    path("forgot", account.ForgotPasswordView.as_view(), name="account_set_password"),
    path("forgot/code", account.ResetCodeView.as_view(), name="account_confirm_password_reset_code"),
    path("forgot/new", account.NewPasswordView.as_view(), name="account_complete_password_reset"),
    path("forgot/done", account.NewPasswordDoneView.as_view(), name="account_password_reset_completed"),
]

if settings.DEMO:
    urlpatterns += [
        path("demo/mail", mailbox.messages, name="demo_mail"),
        path("demo/mail/<str:message_id>", mailbox.message, name="demo_message"),
    ]
