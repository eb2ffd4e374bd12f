"""Debian's Orthanc as a real archive: its own configuration in a temporary folder, on loopback."""

import json
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

from tests.node.conftest import HERE, free_port, program, wait_for


class Orthanc:
    """An archive with a REST interface.

    Args:
        folder: Empty.
        node: The port of the node that it may send to.
    """

    def __init__(self, folder: Path, node: int) -> None:
        folder.mkdir()
        self.folder = folder
        self.port, self.http = free_port(), free_port()
        self.process: subprocess.Popen | None = None
        configuration = {
            "Name": "archive",
            "StorageDirectory": str(folder / "storage"),
            "IndexDirectory": str(folder / "storage"),
            "Plugins": [],
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "HttpPort": self.http,
            "HttpServerEnabled": True,
            "DicomServerEnabled": True,
            "DicomAet": "ORTHANC",
            "DicomPort": self.port,
            "DicomCheckCalledAet": True,
            "DicomAlwaysAllowEcho": False,
            "DicomAlwaysAllowStore": False,
            "DicomModalities": {"lss": ["LSS", HERE, node]},
        }
        (folder / "orthanc.json").write_text(json.dumps(configuration))

    def start(self) -> "Orthanc":
        with (self.folder / "orthanc.log").open("wb") as log:
            self.process = subprocess.Popen(
                [program("Orthanc"), self.folder / "orthanc.json"], stdout=log, stderr=log
            )
        wait_for(self._answers)
        return self

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait()

    def _answers(self) -> bool:
        try:
            return bool(self.ask("system"))
        except OSError:
            return False

    def ask(self, path: str, body: bytes | None = None) -> Any:
        """The answer of the REST interface; a POST where there is a body."""
        with urllib.request.urlopen(self.link(path), data=body, timeout=60) as answer:
            content = answer.read()
        return json.loads(content) if answer.headers.get_content_subtype() == "json" else content

    def link(self, path: str) -> str:
        return f"http://{HERE}:{self.http}/{path}"

    def upload(self, files: list[Path]) -> str:
        """Put files in; gives Orthanc's name of the study."""
        for path in files:
            answer = self.ask("instances", path.read_bytes())
        return str(answer["ParentStudy"])

    def send(self, study: str, *, permissive: bool = False) -> Any:
        """Send a study to the node, as its page does; or, permissive, go on after a refusal."""
        order = {"Resources": [study], "Permissive": permissive}
        return self.ask("modalities/lss/store", json.dumps(order).encode())

    def modalities(self, study: str) -> dict[str, int]:
        """Objects of a study by modality."""
        counts: dict[str, int] = {}
        for series in self.ask(f"studies/{study}/series"):
            modality = series["MainDicomTags"].get("Modality", "")
            counts[modality] = counts.get(modality, 0) + len(series["Instances"])
        return counts

    def objects(self, study: str, modality: str) -> list[bytes]:
        """The files of a study's series of a modality."""
        return [
            self.ask(f"instances/{instance}/file")
            for series in self.ask(f"studies/{study}/series")
            if series["MainDicomTags"].get("Modality") == modality
            for instance in series["Instances"]
        ]
