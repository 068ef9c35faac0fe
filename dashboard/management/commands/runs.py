"""`manage.py runs`: list, start, export and import recorded runs, through the front door like any other client."""

import json
import os
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import httpx
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

from messaging.typed_text import isolated
from serving import command_line
from topology.tuning import Bytes, Seconds

CHUNK: Bytes = 256 * 1024  # read from the file at a time
POLL_S: Seconds = 0.25  # between two looks whether an answer has come before the end of the file


class Command(BaseCommand):
    help = "List recorded runs, start one, export one to a file, import one from a file."

    def add_arguments(self, parser: CommandParser) -> None:
        command_line.add_url(parser)
        command_line.add_token(parser)
        parser.add_argument("--json", action="store_true", dest="as_json")
        commands = parser.add_subparsers(dest="what", required=True)
        commands.add_parser("list", help="list all runs: the one being recorded, then the newest first")
        start = commands.add_parser("start", help="end the run being recorded and start a new one; prints its id")
        start.add_argument("--name", default="")
        start.add_argument("--seed", default="")
        export = commands.add_parser("export", help="write a run to a file; - is standard output")
        export.add_argument("run", help="a run's id, or `live` for the one being recorded")
        export.add_argument("file", nargs="?", default="")
        commands.add_parser("import", help="read a run from a file; prints its id").add_argument("file")

    def handle(self, *args: Any, **options: Any) -> None:
        base = command_line.base_url(options)
        headers = command_line.headers(options)
        with httpx.Client(base_url=base, timeout=httpx.Timeout(None, connect=5), headers=headers) as client:
            try:
                found = self._do(client, options)
            except httpx.HTTPError as error:
                raise CommandError(f"the sandbox at {base} does not answer ({error}); is `make run` up?") from error
        if found is not None:
            self.stdout.write(json.dumps(found, indent=2) if options["as_json"] else "\n".join(_lines(found)))

    def _do(self, client: httpx.Client, options: dict[str, Any]) -> dict[str, Any] | None:
        match options["what"]:
            case "list":
                return _json(client.get("/api/runs"))
            case "start":
                return _json(client.post("/api/runs", json={"name": options["name"], "seed": options["seed"]}))
            case "import":
                return _import(client, options["file"])
        _export(client, options["run"], options["file"])
        return None


def _export(client: httpx.Client, run: str, file: str) -> None:
    """Export to a temporary file, which is renamed to the wanted one when it is complete."""
    if run == "live":
        open_ones = [one["id"] for one in _json(client.get("/api/runs"))["runs"] if one["open"]]
        if not open_ones:
            raise CommandError("nothing is being recorded")
        run = open_ones[0]
    target = Path(file or f"run-{run}.sagabox.jsonl")
    partial = target.with_name(f"{target.name}.part")
    with client.stream("GET", f"/api/runs/{run}/export") as answer:
        if answer.status_code != 200:
            answer.read()
            raise CommandError(command_line.refusal(answer))
        if file == "-":
            _copy(answer, sys.stdout.buffer)
            return
        try:
            with partial.open("wb") as output:
                _copy(answer, output)
        except OSError as error:
            raise CommandError(f"cannot write {partial}: {error.strerror}") from error
        finally:
            if partial.exists() and not answer.is_stream_consumed:
                partial.unlink()
    partial.replace(target)
    sys.stderr.write(f"{target}: {target.stat().st_size:,} bytes\n")


def _copy(answer: httpx.Response, output: IO[bytes]) -> None:
    for chunk in answer.iter_bytes():
        output.write(chunk)


def _import(client: httpx.Client, file: str) -> dict[str, Any]:
    id = str(uuid.uuid4())
    try:
        source = Path(file).open("rb")  # noqa: SIM115 - closed below, where it is read
        size = os.fstat(source.fileno()).st_size
    except OSError as error:
        raise CommandError(f"cannot read {file}: {error.strerror}") from error
    bar = Progress(
        TextColumn("{task.description:<9}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), DownloadColumn(),
        console=Console(stderr=True),
    )  # fmt: skip
    with source, bar, ThreadPoolExecutor(1) as thread:
        sending = bar.add_task("Sending", total=size)
        content = _chunks(source, bar, sending)
        headers = {"Content-Length": str(size), "Content-Type": "application/x-ndjson"}
        answer = thread.submit(client.post, "/api/runs/import", params={"id": id}, content=content, headers=headers)
        _watch(client, id, answer, bar, size)
    return _json(answer.result())


def _chunks(source: IO[bytes], bar: Progress, task: TaskID) -> Iterator[bytes]:
    while chunk := source.read(CHUNK):
        yield chunk
        bar.advance(task, len(chunk))


def _watch(client: httpx.Client, id: str, answer: Future[httpx.Response], bar: Progress, size: int) -> None:
    """Show a second progress bar for the work of the journal's process, until the answer arrives."""
    task = bar.add_task("Importing", total=size)
    while not answer.done():
        with suppress(TimeoutError):
            answer.exception(POLL_S)
        progress = client.get(f"/api/runs/imports/{id}")
        if progress.is_success:
            bar.update(task, completed=int(size * progress.json()["share"]))


def _json(answer: httpx.Response) -> dict[str, Any]:
    if not answer.is_success:
        raise CommandError(command_line.refusal(answer))
    found: dict[str, Any] = answer.json()
    return found


def _lines(found: dict[str, Any]) -> list[str]:
    if "runs" not in found:
        return [found["id"]]
    return [_line(run) for run in found["runs"]] or ["nothing has been recorded"]


def _line(run: dict[str, Any]) -> str:
    state = "recording" if run["open"] else "imported" if run["imported"] else "ended"
    more = "".join(
        [
            f", seed {isolated(run['seed'])}" if run["seed"] else "",
            f", {len(run['faults'])} faults" if run["faults"] else "",
        ]
    )
    return (
        f"{run['id']} {state:<9} {run['started_at'][:19]}Z {run['entries']:>9,} entries  {isolated(run['name'])}{more}"
    )
