"""Counts the visits of a conversation, and keeps what was said last in it."""

import os

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import kv
from wit_world.imports.types import (
    Command,
    CommandSpec,
    Descriptor,
    Event,
    Failure_Refused,
    Format,
    Reply,
    SettingSpec,
)


class Handler(exports.Handler):
    def describe(self) -> Descriptor:
        return Descriptor(
            name="visits",
            version="1.0.0",
            summary="Visits of a conversation, and its last words",
            commands=[CommandSpec(name, "", summary) for name, (_, summary) in COMMANDS.items()],
            events=["message.*"],
            http_hosts=[],
            settings=[SettingSpec("GREETING", "what /visits says first", secret=False, required=False)],
        )

    def on_command(self, c: Command) -> Reply:
        run, _ = COMMANDS[c.name]
        return Reply(run(c), Format.PLAIN)

    def on_event(self, e: Event) -> None:
        if e.conversation and e.text:
            kv.set(last_key(e), e.text.encode(), None)


def visits(command: Command) -> str:
    visit = kv.increment(f"visits/{conversation_key(command)}", 1)
    greeting = os.environ.get("GREETING", "")
    return f"{greeting} Visit {visit} of {command.conversation}".strip()


def last(command: Command) -> str:
    text = kv.get(last_key(command))
    if text is None:
        raise refusal("nothing was said yet")
    return text.decode()


COMMANDS = {
    "/visits": (visits, "counts the visits of this conversation"),
    "/last": (last, "shows what was said last"),
}


def last_key(of: Command | Event) -> str:
    return f"last/{conversation_key(of)}"


def conversation_key(of: Command | Event) -> str:
    if of.conversation is None:
        raise refusal("this works only in a conversation")
    # Two sources may have conversations of the same name.
    return f"{of.origin.source}/{of.conversation}"


def refusal(reason: str) -> Err[Failure_Refused]:
    """What is raised like this is the operator's to read. Any other error ends the call, and is told in slashbox's log."""
    return Err(Failure_Refused(reason))
