# SPDX-License-Identifier: Apache-2.0
"""allauth's forms of coming in, where ours ask for less."""

from typing import Any

from allauth.account.forms import RequestLoginCodeForm


class RequestCodeForm(RequestLoginCodeForm):
    """A code by mail. A code by SMS has a page of its own, since it makes an account where there is none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # allauth's
        super().__init__(*args, **kwargs)
        del self.fields["phone"]
        self.fields["email"].required = True
