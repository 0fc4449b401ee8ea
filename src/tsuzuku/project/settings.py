# SPDX-License-Identifier: Apache-2.0
"""Django's settings, read from the environment. docs/operating/settings.md lists every variable."""

from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from tsuzuku.project.environment import (
    env_access_points,
    env_bool,
    env_countries,
    env_int,
    env_list,
    env_networks,
    env_page,
    env_postage,
    env_tax_number,
    env_text,
    home,
    installation_secret,
)

PACKAGE = Path(__file__).resolve().parent.parent

DEBUG = False
#: The demo shows its mailbox and its logins, which no real installation may.
DEMO = env_bool("TSUZUKU_DEMO")
SECRET_KEY = installation_secret("secret_key")
#: Keys the hashes of PINs and encrypts what is protected at rest; unlike SECRET_KEY it can never be changed.
INSTALLATION_SECRET = installation_secret("installation_secret")
#: Gives the key that signs receipts. A new one signs the receipts of tomorrow; those of yesterday stay genuine.
RECEIPT_SECRET = installation_secret("receipt_secret")
PUBLIC_URL = env_text("TSUZUKU_PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
ALLOWED_HOSTS = env_list("TSUZUKU_ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = env_list("TSUZUKU_TRUSTED_ORIGINS")
IS_HTTPS = PUBLIC_URL.startswith("https://")
#: One proxy of our own stands in front: its X-Forwarded-For and X-Forwarded-Proto are believed.
BEHIND_PROXY = env_bool("TSUZUKU_BEHIND_PROXY")
#: The operator's own networks, from which orders and payments are not counted.
OWN_NETWORKS = env_networks("TSUZUKU_OWN_NETWORKS")

INSTALLED_APPS = [
    # Of Django's admin and unfold only the machinery: the console is a site of its own, and none is found by itself.
    "unfold.apps.BasicAppConfig",
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "procrastinate.contrib.django",
    "tsuzuku.look",
    "tsuzuku.journal",
    "tsuzuku.messaging",
    "tsuzuku.people",
    "tsuzuku.cards",
    "tsuzuku.catalog",
    "tsuzuku.allowances",
    "tsuzuku.payments",
    "tsuzuku.orders",
    "tsuzuku.balances",
    "tsuzuku.renewals",
    "tsuzuku.new_cards",
    "tsuzuku.usage",
    "tsuzuku.reminders",
    "tsuzuku.receipts",
    "tsuzuku.sellers",
    "tsuzuku.reports",
    "tsuzuku.support",
    "tsuzuku.channels.web",
    "tsuzuku.channels.partner_api",
    "tsuzuku.channels.console",
    "tsuzuku.project",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "tsuzuku.project.middleware.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "tsuzuku.project.middleware.SessionCookieMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    # Refuses in the reader's language, and before the check of the token reads the body.
    "tsuzuku.project.middleware.RequestBodyMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "tsuzuku.project.middleware.BrowserMiddleware",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
            ],
        },
    },
]

ROOT_URLCONF = "tsuzuku.project.urls"
WSGI_APPLICATION = "tsuzuku.project.wsgi.application"


def _database(url: str) -> dict[str, Any]:
    """Django's view of a PostgreSQL address (a URL or libpq's key=value words)."""
    words = conninfo_to_dict(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": words.pop("dbname", "tsuzuku"),
        "USER": words.pop("user", ""),
        "PASSWORD": words.pop("password", ""),
        "HOST": words.pop("host", ""),
        "PORT": str(words.pop("port", "")),
        # Only `journal.statements` lets the server bind parameters, and therefore keep plans, from the second time on.
        "OPTIONS": {"connect_timeout": 5, "prepare_threshold": 2, **words},
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }


# Without an address the embedded PostgreSQL is meant; whoever starts it (command line, tests) puts the address here.
DATABASES = {"default": _database(env_text("TSUZUKU_DATABASE_URL", "dbname=tsuzuku"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Rate limits count in the cache, so all processes must share it, and none may be thrown out to make room for others:
# Django would do so beyond 300 rows. Those that are over are deleted by `people.jobs`.
CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache",
        "OPTIONS": {"MAX_ENTRIES": 1_000_000},
    }
}

AUTH_USER_MODEL = "people.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "tsuzuku.people.allauth_adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email", "phone"}
ACCOUNT_FORMS = {"request_login_code": "tsuzuku.people.login_forms.RequestCodeForm"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = 15 * 60
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
MFA_ADAPTER = "tsuzuku.people.second_factor.MfaAdapter"
MFA_FORMS = {
    "authenticate": "tsuzuku.people.code_forms.CodeForm",
    "reauthenticate": "tsuzuku.people.code_forms.CodeAgainForm",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
#: As many as other logins; whole airports share an address.
MFA_RATE_LIMITS = {"webauthn_login": "30/m/ip"}
MFA_RECOVERY_CODES_SHOW_ONCE = True
#: A code of the half minute before or after is right, too: phones' clocks are not exact.
MFA_TOTP_TOLERANCE = 1
ACCOUNT_SESSION_REMEMBER = True

LANGUAGE_CODE = "en"
#: Only languages whose texts are complete; each in its own name.
LANGUAGES = [
    ("zh-hans", "简体中文"),
    ("zh-hant", "繁體中文"),
    ("ja", "日本語"),
    ("en", "English"),
    ("ko", "한국어"),
]
LOCALE_PATHS = [PACKAGE / "locale"]
USE_I18N = True
USE_TZ = True
#: The brand's time: plans end at midnights of this zone.
TIME_ZONE = "Asia/Tokyo"

STATIC_URL = "/static/"
STATIC_ROOT = home() / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

SESSION_COOKIE_NAME = "tsuzuku_session"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_NAME = "tsuzuku_language"
CSRF_FAILURE_VIEW = "tsuzuku.project.errors.csrf_failure"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
SECURE_SSL_REDIRECT = IS_HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
X_FRAME_OPTIONS = "DENY"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "jobs"

#: Adapters are named in `project.adapters`; this chooses one of them.
STRIPE_KEY = env_text("TSUZUKU_STRIPE_KEY")
STRIPE_WEBHOOK_SECRETS = env_list("TSUZUKU_STRIPE_WEBHOOK_SECRETS")
STRIPE_METHODS = env_list("TSUZUKU_STRIPE_METHODS", "card")
STRIPE_KONBINI_DAYS = env_int("TSUZUKU_STRIPE_KONBINI_DAYS", 3)
STRIPE_CHECKOUT_URL = env_text("TSUZUKU_STRIPE_CHECKOUT_URL", "https://checkout.stripe.com")
WECHAT_PAY_MCHID = env_text("TSUZUKU_WECHAT_PAY_MCHID")
WECHAT_PAY_APPID = env_text("TSUZUKU_WECHAT_PAY_APPID")
WECHAT_PAY_CATEGORY = env_text("TSUZUKU_WECHAT_PAY_CATEGORY", "4814")
WECHAT_PAY_CERTIFICATE = env_text("TSUZUKU_WECHAT_PAY_CERTIFICATE")
WECHAT_PAY_PRIVATE_KEY = env_text("TSUZUKU_WECHAT_PAY_PRIVATE_KEY")
WECHAT_PAY_API_V3_KEY = env_text("TSUZUKU_WECHAT_PAY_API_V3_KEY")
WECHAT_PAY_PLATFORM_KEYS = env_list("TSUZUKU_WECHAT_PAY_PLATFORM_KEYS")
ALIPAY_APP_ID = env_text("TSUZUKU_ALIPAY_APP_ID")
ALIPAY_SELLER_ID = env_text("TSUZUKU_ALIPAY_SELLER_ID")
ALIPAY_PRIVATE_KEY = env_text("TSUZUKU_ALIPAY_PRIVATE_KEY")
ALIPAY_PUBLIC_KEYS = env_list("TSUZUKU_ALIPAY_PUBLIC_KEYS")
ALIPAY_GATEWAY = env_text("TSUZUKU_ALIPAY_GATEWAY", "https://openapi.alipay.com/gateway.do")
#: Above it, in yen, a second person approves what goes back to a payer.
REFUND_APPROVAL_YEN = env_int("TSUZUKU_REFUND_APPROVAL_YEN", 5000)
PAYPAL_CLIENT_ID = env_text("TSUZUKU_PAYPAL_CLIENT_ID")
PAYPAL_SECRET = env_text("TSUZUKU_PAYPAL_SECRET")
PAYPAL_WEBHOOK_IDS = env_list("TSUZUKU_PAYPAL_WEBHOOK_IDS")
PAYPAL_SANDBOX = env_bool("TSUZUKU_PAYPAL_SANDBOX")
KOMOJU_KEY = env_text("TSUZUKU_KOMOJU_KEY")
KOMOJU_WEBHOOK_SECRETS = env_list("TSUZUKU_KOMOJU_WEBHOOK_SECRETS")
EMAIL_GATEWAY = env_text("TSUZUKU_EMAIL_GATEWAY", "mailbox" if DEMO else "smtp")
#: Codes go to mobile numbers of these countries only: sending to some others is a business of thieves.
PHONE_COUNTRIES = env_countries("TSUZUKU_PHONE_COUNTRIES", "CN,TW,HK,KR,JP,MO,SG,MY,TH,VN,PH")
#: More codes by SMS than this the whole installation does not send in an hour.
PHONE_CODES_HOUR_MAX = env_int("TSUZUKU_PHONE_CODES_HOUR_MAX", 300)
#: Without a gateway SMS and push are not offered.
SMS_GATEWAY = env_text("TSUZUKU_SMS_GATEWAY", "mailbox" if DEMO else "")
PUSH_GATEWAY = env_text("TSUZUKU_PUSH_GATEWAY", "mailbox" if DEMO else "")
SMS_SENDER = env_text("TSUZUKU_SMS_SENDER")
#: A gateway described in JSON.
SMS_HTTP = env_text("TSUZUKU_SMS_HTTP")
TWILIO_ACCOUNT_SID = env_text("TSUZUKU_TWILIO_ACCOUNT_SID")
TWILIO_AUTH_TOKEN = env_text("TSUZUKU_TWILIO_AUTH_TOKEN")
SMPP_HOST = env_text("TSUZUKU_SMPP_HOST")
SMPP_PORT = env_int("TSUZUKU_SMPP_PORT", 2775)
SMPP_TLS = env_bool("TSUZUKU_SMPP_TLS")
SMPP_SYSTEM_ID = env_text("TSUZUKU_SMPP_SYSTEM_ID")
SMPP_PASSWORD = env_text("TSUZUKU_SMPP_PASSWORD")
SMPP_SYSTEM_TYPE = env_text("TSUZUKU_SMPP_SYSTEM_TYPE")
SMPP_DEAD_ERRORS = env_list("TSUZUKU_SMPP_DEAD_ERRORS", "1")
EMAIL_REPORTS = env_text("TSUZUKU_EMAIL_REPORTS")
EMAIL_REPORTS_SECRET = env_text("TSUZUKU_EMAIL_REPORTS_SECRET")
DEFAULT_FROM_EMAIL = env_text("TSUZUKU_FROM_EMAIL", "Tsuzuku <hello@tsuzuku.example>")
EMAIL_HOST = env_text("TSUZUKU_SMTP_HOST", "localhost")
EMAIL_PORT = env_int("TSUZUKU_SMTP_PORT", 25)
EMAIL_HOST_USER = env_text("TSUZUKU_SMTP_USER")
EMAIL_HOST_PASSWORD = env_text("TSUZUKU_SMTP_PASSWORD")
EMAIL_USE_TLS = env_bool("TSUZUKU_SMTP_TLS")
#: Who sells, as receipts say it.
BRAND_NAME = env_text("TSUZUKU_BRAND_NAME", "Tsuzuku")
BRAND_ADDRESS = env_text("TSUZUKU_BRAND_ADDRESS", "東京都千代田区1-1-1" if DEMO else "")
#: Where people reach the brand, as help pages tell them: a mail address, a telephone number or a page.
BRAND_CONTACT = env_text("TSUZUKU_BRAND_CONTACT", "help@tsuzuku.example" if DEMO else "")
#: The registration number of a qualified invoice issuer; without it receipts are no qualified invoices.
BRAND_TAX_NUMBER = env_tax_number("TSUZUKU_BRAND_TAX_NUMBER", "T1234567890123" if DEMO else "")
#: Whether the issuer is registered for prepaid value that lasts six months or longer; else balances end before that.
BALANCE_REGISTERED = env_bool("TSUZUKU_BALANCE_REGISTERED")
#: What a new eSIM costs beside its first plan, in yen with tax.
NEW_ESIM_YEN = env_int("TSUZUKU_NEW_ESIM_YEN", 0)
#: The same of a SIM card that is posted, without its postage.
NEW_SIM_YEN = env_int("TSUZUKU_NEW_SIM_YEN", 0)
#: Where SIM cards are posted to, and what that costs in yen with tax; nowhere unless it is said.
POSTAGE_YEN = env_postage("TSUZUKU_POSTAGE", "JP:370,CN:1400,TW:1200,HK:1200,KR:1200" if DEMO else "")
#: The address that a card was posted to is forgotten after so many days.
PARCEL_ADDRESS_DAYS = env_int("TSUZUKU_PARCEL_ADDRESS_DAYS", 30, at_least=1)
#: Folders with fonts for receipts, beside those where the machine keeps its own.
FONT_FOLDERS = env_list("TSUZUKU_FONT_FOLDERS")
#: What a phone has to be told before data works, by carrier.
ACCESS_POINTS = env_access_points("TSUZUKU_APN", "internet.tsuzuku.example" if DEMO else "")
#: The networks from which phones with a card of the brand come to us; without them a card cannot be told from a Wi-Fi.
CARRIER_NETWORKS = env_networks("TSUZUKU_CARRIER_NETWORKS")
#: Where the connection check finds an installation, or anything else, that has an address of one protocol only.
CHECK_IPV4_URL = env_page("TSUZUKU_CHECK_IPV4_URL")
CHECK_IPV6_URL = env_page("TSUZUKU_CHECK_IPV6_URL")
#: Readings are kept one by one for so long, in whole months, and then per card and day.
KEEP_USAGE_DAYS = env_int("TSUZUKU_KEEP_USAGE_DAYS", 100)
#: What was written to whom, and what inboxes hold, is kept for so long; for a week gateways report what became of it.
KEEP_MESSAGES_DAYS = env_int("TSUZUKU_KEEP_MESSAGES_DAYS", 180, at_least=7)
#: The operator's own networks, into which webhooks to partners and push may go; every other one must be public.
WEBHOOK_PRIVATE_NETWORKS = env_networks("TSUZUKU_WEBHOOK_PRIVATE_NETWORKS")

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    # Anybody can send any Host; the answer is 400, and a traceback for each would bury what matters.
    "loggers": {
        "django.security.DisallowedHost": {"handlers": [], "propagate": False},
        # And for any address: a mistyped one of the partner API has a card's number in it.
        "django.request": {"level": "ERROR"},
    },
    "root": {"handlers": ["stderr"], "level": env_text("TSUZUKU_LOG_LEVEL", "WARNING")},
}
