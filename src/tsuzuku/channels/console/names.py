# SPDX-License-Identifier: Apache-2.0
"""People by name. Facts and rows keep numbers only, so that a name can be taken away from them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from tsuzuku.people.models import User

#: Who has an account, as facts name people.
_KINDS = ("staff:", "customer:")


def names_of(words: Iterable[str]) -> Mapping[str, str]:
    """The addresses of staff and customers by how facts name them; anything else stands for itself. One query."""
    wanted = set(words)
    ids = {word: int(word.partition(":")[2]) for word in wanted if word.startswith(_KINDS)}
    names = {user.pk: str(user) for user in User.objects.filter(pk__in=ids.values()).only("email", "phone")}
    return defaultdict(str, {word: names.get(ids.get(word, 0), word) for word in wanted})
