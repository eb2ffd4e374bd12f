"""``lss node``."""

import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lss_cli.cli.environment import Environment
from lss_cli.cli.options import Debug, ModelOption, Quiet, SchedulerOption, WorkersOption
from lss_cli.errors import UsageError

if TYPE_CHECKING:
    from lss_cli.node.peers import Certificates
    from lss_cli.node.register import StudyRecord

DAY_S = 24 * 60 * 60
UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def parse_size(text: str) -> int:
    """A size in bytes, such as ``500M``.

    Raises:
        BadParameter: It is none.

    Examples:
        >>> parse_size("2K"), parse_size("1.5 GiB")
        (2048, 1610612736)
    """
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?)(?:i?B)?", str(text), re.IGNORECASE)
    if not match or not float(match[1]):
        raise typer.BadParameter(f"{text!r} is no size; write it like 500M or 20G.")
    return int(float(match[1]) * UNITS[match[2].upper()])


def node(
    context: typer.Context,
    aet: Annotated[str, typer.Option(help="Our AE title.")] = "LSS",
    port: Annotated[int, typer.Option(min=0, max=65535, help="To listen on.")] = 11112,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    archive: Annotated[
        str, typer.Option(metavar="AET@HOST:PORT", help="Where results are sent.")
    ] = "",
    from_: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            metavar="AET@HOST",
            help="Who may send; may be given several times. Without it, the archive.",
        ),
    ] = None,
    spool: Annotated[
        Path, typer.Option(help="Folder for received files, results and states.")
    ] = Path("spool"),
    settle: Annotated[
        float, typer.Option(min=0.1, help="Seconds of quiet after which a study is complete.")
    ] = 60,
    limit: Annotated[
        int, typer.Option(parser=parse_size, metavar="SIZE", help="Of all received files.")
    ] = "50G",  # type: ignore[assignment]
    largest: Annotated[
        int, typer.Option(parser=parse_size, metavar="SIZE", help="Of one received file.")
    ] = "256M",  # type: ignore[assignment]
    keep: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="DAYS",
            help="Delete the files of a study so long after it was sent. What waits stays.",
            show_default="for good",
        ),
    ] = None,
    unattended: Annotated[
        bool,
        typer.Option(
            "--unattended", help="For research: send also where nobody has looked at the points."
        ),
    ] = False,
    coords: Annotated[
        list[Path] | None,
        typer.Option(help="Points of studies, in RSNA's columns; read again when it changes."),
    ] = None,
    model: ModelOption = "default",
    workers: WorkersOption = None,
    scheduler: SchedulerOption = "",
    timeout: Annotated[
        float | None, typer.Option(min=1, help="Seconds that grading a study may take.")
    ] = 300,
    tls_cert: Annotated[Path | None, typer.Option(help="Our certificate, PEM.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its key, PEM, without password.")] = None,
    tls_ca: Annotated[
        Path | None, typer.Option(help="Who signed the certificates of the others, PEM.")
    ] = None,
    status: Annotated[
        bool, typer.Option("--status", help="List the studies of --spool, and end.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --status: as JSON.")] = False,
    _quiet: Quiet = False,
    _debug: Debug = False,
) -> None:
    """Be a DICOM node: receive studies, grade them, send results to the archive.

    Example: lss node --archive ORTHANC@127.0.0.1:4242 --coords coords.csv
    """
    environment: Environment = context.obj
    if as_json and not status:
        raise UsageError("--json goes with --status.")
    if status:
        _show(environment, spool, as_json=as_json)
        return
    environment.require("lss node", "pynetdicom")
    if scheduler:
        environment.require("lss node --scheduler", "distributed")
    import logging
    import signal
    import threading

    from lss_cli.model.find import find_models
    from lss_cli.model.models import Models
    from lss_cli.node.peers import Peer, check_title
    from lss_cli.node.service import NodeOptions, run_node
    from lss_cli.processors import processors

    if not archive:
        raise UsageError("the archive is missing.", todo="Name it: --archive AET@HOST:PORT.")
    peer = Peer.parse(archive, with_port=True)
    senders = [Peer.parse(text, with_port=False) for text in from_ or ()]
    options = NodeOptions(
        title=check_title(aet),
        host=host,
        port=port,
        archive=peer,
        senders=tuple(senders) or (peer,),
        spool=spool,
        settle_s=settle,
        limit_bytes=limit,
        largest_bytes=largest,
        unattended=unattended,
        coords=tuple(coords or ()),
        locators=environment.models,
        workers=workers or processors(),
        scheduler=scheduler,
        timeout_s=timeout,
        certificates=_certificates(tls_cert, tls_key, tls_ca),
        keep_s=None if keep is None else keep * DAY_S,
    )
    stop = threading.Event()
    # As service managers end a program.
    signal.signal(signal.SIGTERM, lambda *_: stop.set())

    if environment.debug:
        logging.basicConfig(stream=environment.stderr)
        logging.getLogger("lss_cli.node").setLevel(logging.DEBUG)

    def say(text: str) -> None:
        environment.messages.print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}")

    run_node(options, Models.load(find_models(model, environment.models)), say, stop)


def _certificates(
    certificate: Path | None, key: Path | None, authority: Path | None
) -> "Certificates | None":
    from lss_cli.node.peers import Certificates

    if certificate and key and authority:
        return Certificates(certificate, key, authority)
    if certificate or key or authority:
        raise UsageError(
            "TLS needs all three.", todo="Name --tls-cert, --tls-key and --tls-ca, or none."
        )
    return None


def _show(environment: Environment, spool: Path, *, as_json: bool) -> None:
    """List the studies of a spool, whether a node runs on it or not."""
    from contextlib import closing

    from lss_cli.errors import OutputError
    from lss_cli.node.register import StudyRegister
    from lss_cli.node.spool import register_path

    if not register_path(spool).is_file():
        raise OutputError(
            "no lss node has used this folder.", where=str(spool), todo="Name its --spool."
        )
    with closing(StudyRegister(register_path(spool), read_only=True)) as register:
        studies = register.studies()
    if as_json:
        entries = [
            {
                "study": study.uid,
                "state": str(study.state),
                "since": _time(study.since),
                "files": study.files,
                "reason": study.reason,
            }
            for study in studies
        ]
        environment.stdout.write(json.dumps(entries, indent=2) + "\n")
    else:
        _print(environment, studies)


def _print(environment: Environment, studies: "list[StudyRecord]") -> None:
    from collections import Counter

    from rich.text import Text

    from lss_cli.render.table import plain_table

    table = plain_table(
        "Study", "Files", "State", "Since", "Why", numbers=[1], wrapped=["Study", "Why"]
    )
    for study in studies:
        cells = (study.uid, str(study.files), study.state, _time(study.since), _why(study))
        table.add_row(*map(Text, cells))
    console = environment.results
    console.print(table)
    counts = Counter(str(study.state) for study in studies)
    parts = [f"{count} {state}" for state, count in sorted(counts.items())]
    console.print(f"{len(studies)} studies" + (f": {', '.join(parts)}." if parts else "."))


def _why(study: "StudyRecord") -> str:
    again = f" Next try {_time(study.next_try)}." if study.next_try else ""
    return f"{study.reason}{again}"


def _time(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
