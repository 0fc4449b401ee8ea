# SPDX-License-Identifier: Apache-2.0
"""The user: one table for customers and staff."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower

from tsuzuku.kernel import clock


class UserManager(BaseUserManager["User"]):
    """Makes users, and finds them by an address written in any case."""

    def create_user(self, email: str | None, password: str | None = None, **fields: Any) -> "User":  # noqa: ANN401  # any field
        """A user with this address or, in `fields`, a phone; without a password one logs in by a code or a passkey."""
        user = self.model(email=email.strip().lower() if email else None, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":  # noqa: ANN401  # any field
        """A member of staff who may do everything."""
        return self.create_user(email, password, **{"is_staff": True, "is_superuser": True, **fields})

    def get_by_natural_key(self, username: str | None) -> "User":
        """The user with this address."""
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """Somebody who can log in. The address is kept in lower case, so one address is one user however it is written.

    A customer has an address, a phone, or both; staff have an address.
    """

    email = models.EmailField(unique=True, null=True, blank=True)
    #: A mobile number as in E.164. It is kept once a code that was sent there was typed in, so it is verified.
    phone = models.CharField(max_length=16, unique=True, null=True, blank=True)
    phone_verified_at = models.DateTimeField(null=True, blank=True, editable=False)
    display_name = models.CharField(max_length=80, blank=True, default="")
    #: Which language mails are written in: the last one that was chosen or read.
    language = models.CharField(max_length=12, default="en")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    #: When its owner had the account deleted: nothing of them is left but the number that orders point to.
    closed_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = (
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="people_user_email_lower"),
            models.CheckConstraint(
                condition=models.Q(email__isnull=False)
                | models.Q(phone__isnull=False, is_staff=False)
                | models.Q(closed_at__isnull=False, is_active=False),
                name="people_user_reached",
            ),
            models.CheckConstraint(
                condition=models.Q(phone__isnull=True, phone_verified_at__isnull=True)
                | models.Q(phone__regex=r"^\+[1-9][0-9]{6,14}$", phone_verified_at__isnull=False),
                name="people_user_phone",
            ),
        )
        # The staff are few among many.
        indexes = (models.Index(fields=["email"], name="people_user_staff", condition=models.Q(is_staff=True)),)

    def __str__(self) -> str:
        return self.email or self.phone or f"customer {self.pk}"

    def clean(self) -> None:
        """Folds the address, as the constraint wants it."""
        super().clean()
        self.email = self.email.strip().lower() if self.email else None

    @property
    def mail_address(self) -> str:
        """Where mails go; "" for who has a phone only."""
        return self.email or ""

    def get_full_name(self) -> str:
        """What to call them."""
        return self.display_name or str(self)

    def get_short_name(self) -> str:
        """What to call them."""
        return self.get_full_name()


class Browser(models.Model):
    """A browser in which somebody is logged in. Of it neither its address nor all it says is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    session_key = models.CharField(max_length=40, unique=True)
    #: Such as "Safari, iPhone"; "" for one that says nothing of itself.
    device = models.CharField(max_length=40, blank=True)
    since = models.DateTimeField()
    #: In whole hours.
    seen_at = models.DateTimeField()
    #: It may be pushed to, which goes on when its session runs out, and ends when somebody ends it.
    outlasts_session = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.device
