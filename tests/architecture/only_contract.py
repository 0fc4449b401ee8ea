# SPDX-License-Identifier: Apache-2.0
"""import-linter's contract "only": what one package may import of ours, everything else forbidden."""

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class OnlyContract(Contract):
    """Modules of `sources` import themselves and `allowed`, and nothing else of this project."""

    type_name = "only"

    sources = fields.ListField(subfield=fields.StringField())
    allowed = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        broken = []
        for source in _words(self.sources):
            if source not in graph.modules:
                raise ValueError(f"there is no {source}")
            inside = (source, *_words(self.allowed))
            for importer in sorted({source} | graph.find_descendants(source)):
                imported = sorted(graph.find_modules_directly_imported_by(importer))
                broken += [f"{importer} imports {name}" for name in imported if not _is_inside(name, inside)]
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for line in check.metadata["broken"]:
            output.print_error(f"- {line}")


def _is_inside(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def _words(field: object) -> list[str]:
    """import-linter replaces a field by its value when it builds the contract."""
    if not isinstance(field, list):
        raise TypeError(f"{field!r} is no list")
    return [str(word) for word in field]
