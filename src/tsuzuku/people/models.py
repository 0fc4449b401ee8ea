# SPDX-License-Identifier: Apache-2.0
"""The user: one table for customers and staff."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower

from tsuzuku.kernel import clock


class UserManager(BaseUserManager["User"]):
    """Makes users, and finds them by an address written in any case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":  # noqa: ANN401  # any field
        """A user with this address; without a password nobody can log in as them."""
        user = self.model(email=email.strip().lower(), **fields)
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
    """Somebody who can log in. The address is kept in lower case, so one address is one user however it is written."""

    email = models.EmailField(unique=True)
    display_name = models.CharField(max_length=80, blank=True, default="")
    #: Which language mails are written in: the last one that was chosen or read.
    language = models.CharField(max_length=12, default="en")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = (
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="people_user_email_lower"),
        )
        # The staff are few among many.
        indexes = (models.Index(fields=["email"], name="people_user_staff", condition=models.Q(is_staff=True)),)

    def __str__(self) -> str:
        return self.email

    def clean(self) -> None:
        """Folds the address, as the constraint wants it."""
        super().clean()
        self.email = self.email.strip().lower()

    def get_full_name(self) -> str:
        """What to call them."""
        return self.display_name or self.email

    def get_short_name(self) -> str:
        """What to call them."""
        return self.get_full_name()


class Browser(models.Model):
    """A browser in which somebody is logged in. Kept while the session lasts: neither its address nor all it says."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    session_key = models.CharField(max_length=40, unique=True)
    #: Such as "Safari, iPhone"; "" for one that says nothing of itself.
    device = models.CharField(max_length=40, blank=True)
    since = models.DateTimeField()
    #: In whole hours.
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.device
