"""Calls a function in a process of its own, in which nothing of ours is imported or connected yet."""

import os
import signal
import sys
import traceback
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, ParamSpec, TypeVar

from sandbox.errors import SandboxError

STOP_WITHIN_S = 60
P = ParamSpec("P")
T = TypeVar("T")


class Failed(RuntimeError):
    """The function raised; the message is a sentence for a person. The traceback of what is not expected was printed."""


def apart(work: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
    """The result of `work`, a function of a module. If we are interrupted, the process gets a SIGTERM and is waited for."""
    context = get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(sender, work, given, named))
    process.start()
    sender.close()
    try:
        failure, result = receiver.recv()
    except EOFError:
        process.join()
        raise Failed(f"the measuring process ended with status {process.exitcode}") from None
    except KeyboardInterrupt:  # Ctrl-C is for both, and it stops what it has started
        process.join(STOP_WITHIN_S)
        raise
    finally:
        process.terminate()
        process.join()
        receiver.close()
    if failure:
        raise Failed(failure)
    value: T = result
    return value


def _send(sender: Connection, work: Callable[..., Any], given: tuple[Any, ...], named: dict[str, Any]) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sender.send(("", work(*given, **named)))
    except SandboxError as error:
        sender.send(("\n".join(filter(None, (error.reason, error.tail()))), None))
    except Exception as error:
        traceback.print_exc()
        sender.send((f"{type(error).__name__}: {error}", None))
    sender.close()
    sys.stdout.flush()
    os._exit(0)  # a thread of a library may still wait for something
