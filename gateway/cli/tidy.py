"""Help without what typer, and the width of our source, put into it."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption


class Verbs(TyperGroup):
    """The command's verbs, each of which is tidied."""

    def __init__(self, **attributes: Any) -> None:
        """Take what typer makes of the verbs' functions."""
        super().__init__(**attributes)
        for command in self.commands.values():
            if isinstance(command, TyperGroup):
                command.help = unwrap(command.help or "")
                continue
            assert isinstance(command, TyperCommand)  # noqa: S101 - typer makes no other
            command.help = unwrap(command.help or "")
            for parameter in command.get_params(typer.Context(command)):
                _tidy(parameter)
            _plain_usage(command)

    def get_params(self, ctx: Any) -> Any:
        """The command's own options; typer adds some of them late."""
        parameters = super().get_params(ctx)
        for parameter in parameters:
            _tidy(parameter)
        return parameters


def unwrap(text: str) -> str:
    """Paragraphs as one line each, which a terminal breaks where it ends itself."""
    paragraphs = (paragraph.split("\n") for paragraph in text.split("\n\n"))
    return "\n\n".join(" ".join(line.strip() for line in lines) for lines in paragraphs)


def _tidy(parameter: object) -> None:
    """Name an argument as usual, no type for what takes no value, and that of one of several."""
    if isinstance(parameter, TyperArgument):
        if parameter.metavar is None:
            parameter.metavar = parameter.name.upper()
        if parameter.nargs != 1:
            _show_one(parameter)
    elif isinstance(parameter, TyperOption) and parameter.metavar is None:
        if parameter.is_flag:
            parameter.metavar = ""
        elif parameter.multiple:
            _show_one(parameter)


def _show_one(parameter: TyperArgument | TyperOption) -> None:
    """Write ``<path>``, not ``<list[Path]>``."""
    show = parameter.display_type

    def show_one(ctx: Any) -> str:
        return show(ctx).replace("list[", "").replace("]", "").lower()

    parameter.display_type = show_one  # type: ignore[method-assign]  # of one parameter


def _plain_usage(command: TyperCommand) -> None:
    """Write ``METHOD``, not ``{METHOD}``: braces are for choices."""
    collect = command.collect_usage_pieces

    def collect_plain(ctx: Any) -> list[str]:
        return [piece.replace("{", "").replace("}", "") for piece in collect(ctx)]

    command.collect_usage_pieces = collect_plain  # type: ignore[method-assign]  # of one command
