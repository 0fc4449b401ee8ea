# SPDX-License-Identifier: Apache-2.0
"""What somebody has to do between showing who they are and being in, where allauth's rule is not ours."""

from allauth.account.stages import EmailVerificationStage
from django.http import HttpResponse

from tsuzuku.people.models import User


class AddressStage(EmailVerificationStage):
    """An address is confirmed first, unless there is a phone: that was confirmed before it was kept."""

    def handle(self) -> tuple[HttpResponse | None, bool]:
        if isinstance(self.login.user, User) and self.login.user.phone:
            return None, True
        answer: tuple[HttpResponse | None, bool] = super().handle()  # type: ignore[no-untyped-call]  # allauth's
        return answer
