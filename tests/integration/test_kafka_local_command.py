"""``python -m kafka_local`` as a process: what it prints, how it ends, and that nothing of it stays behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kafka_local import running_address
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
# Whoever comes first also fetches and prepares Kafka.
READY_WITHIN_SECONDS = 300.0
GONE_WITHIN_SECONDS = 60.0

# A parent for the launcher: it starts the rest of its command line and waits.
PARENT = (sys.executable, "-c", "import subprocess, sys; subprocess.run(sys.argv[1:])")


@dataclass
class Launcher:
    """Starts launchers whose temporary data and announcements live in ``folder``, and looks at what they leave."""

    folder: Path
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """Return this process's environment with every folder but the cache's moved into ``folder``."""
        return {**os.environ, "TMPDIR": str(self.folder / "tmp"), "KAFKA_LOCAL_STATE": str(self.folder / "state")}

    def start(self, *arguments: str, through: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
        """Start a launcher, ``through`` another command where given."""
        (self.folder / "tmp").mkdir(exist_ok=True)
        with (self.folder / "out").open("wb") as out, (self.folder / "err").open("wb") as err:
            command = [*through, sys.executable, "-m", "kafka_local", *arguments]
            process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=out, stderr=err)
        self.started.append(process)
        return process

    def ready(self, process: subprocess.Popen[bytes]) -> str:
        """Return the address in the ready line of ``process``, once it is there."""
        eventually(lambda: "ready " in self.out or process.poll() is not None, READY_WITHIN_SECONDS, "the ready line")
        assert "ready " in self.out, self.err
        return self.out.partition("ready ")[2].strip()

    @property
    def out(self) -> str:
        """Return what the latest launcher said on standard output."""
        return (self.folder / "out").read_text()

    @property
    def err(self) -> str:
        """Return what the latest launcher said on standard error."""
        return (self.folder / "err").read_text()

    def java_pids(self) -> list[int]:
        """Return the Java processes of these launchers: their command lines name a folder of ours."""
        listing = subprocess.run(["ps", "-axww", "-o", "pid=,args="], capture_output=True, text=True, check=True).stdout
        mine = [line.split(maxsplit=1) for line in listing.splitlines() if str(self.folder) in line]
        return [int(pid) for pid, command in mine if "kafka.Kafka" in command]

    def nothing_left(self) -> bool:
        """Wait until neither a Java process nor temporary data is left; tell whether nothing is announced either."""
        eventually(lambda: not self.java_pids(), GONE_WITHIN_SECONDS, "the Java processes to end")
        eventually(lambda: not os.listdir(self.folder / "tmp"), GONE_WITHIN_SECONDS, "the temporary data to go")  # noqa: PTH208
        return running_address(self.environment) is None


@pytest.fixture
def launcher(tmp_path: Path) -> Iterator[Launcher]:
    """Give a launcher whose processes do not outlive the test; their guards see to Java."""
    launcher = Launcher(tmp_path)
    yield launcher
    for process in launcher.started:
        process.kill()
        process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_ready_line_and_a_clean_end(launcher: Launcher, number: signal.Signals) -> None:
    """Standard output is the ready line alone, the address is announced, and a signal ends it all with code 0."""
    process = launcher.start()
    address = launcher.ready(process)
    assert running_address(launcher.environment) == address
    socket.create_connection(("127.0.0.1", int(address.removeprefix("127.0.0.1:"))), timeout=30).close()
    process.send_signal(number)
    assert process.wait(GONE_WITHIN_SECONDS) == 0, launcher.err
    assert launcher.out == f"ready {address}\n"
    assert launcher.nothing_left()


@pytest.mark.parametrize("state", ["running", "paused"])
def test_nothing_outlives_a_launcher_that_was_killed(launcher: Launcher, state: str) -> None:
    """SIGKILL of the launcher ends Java and the data too, even where Java is stopped and can answer no signal."""
    process = launcher.start()
    launcher.ready(process)
    if state == "paused":
        os.kill(launcher.java_pids()[0], signal.SIGSTOP)
    process.kill()
    assert launcher.nothing_left()


def test_a_launcher_that_is_killed_while_it_starts_leaves_nothing(launcher: Launcher) -> None:
    """There is no moment from which a Java process could stay behind: here, right after it appears."""
    process = launcher.start()
    eventually(lambda: bool(launcher.java_pids()), READY_WITHIN_SECONDS, "a Java process")
    process.kill()
    assert launcher.nothing_left()


def test_nothing_outlives_the_parent_of_the_launcher(launcher: Launcher) -> None:
    """SIGKILL of whoever started the launcher stops it in order."""
    parent = launcher.start(through=PARENT)
    launcher.ready(parent)
    parent.kill()
    assert launcher.nothing_left()


def test_a_detached_launcher_goes_on_without_its_parent(launcher: Launcher) -> None:
    """With --detached the parent's end changes nothing; the pid in the address file is the one to stop."""
    parent = launcher.start("--detached", through=PARENT)
    address = launcher.ready(parent)
    pid = int((launcher.folder / "state" / "address").read_text().splitlines()[1])
    parent.kill()
    parent.wait()
    listing = [sys.executable, "-m", "kafka_local.tools", "topics", "--bootstrap-server", address, "--list"]
    subprocess.run(listing, cwd=ROOT, timeout=180, check=True)  # longer than another one would have lived
    assert running_address(launcher.environment) == address
    os.kill(pid, signal.SIGTERM)
    assert launcher.nothing_left()


def test_kept_data_is_found_again_at_the_same_address(launcher: Launcher) -> None:
    """A folder named by --data stays, holds the log, and a later run goes on with it as the same cluster."""
    data = launcher.folder / "kept"
    seen = []
    for _ in range(2):
        process = launcher.start("--data", str(data))
        seen.append((launcher.ready(process), (data / "node-1" / "data" / "meta.properties").read_text()))
        process.terminate()
        assert process.wait(GONE_WITHIN_SECONDS) == 0, launcher.err
        assert launcher.nothing_left()
    assert seen[0] == seen[1]
    assert "Kafka Server started" in (data / "node-1" / "kafka.log").read_text()


def test_a_second_signal_ends_it_at_once(launcher: Launcher) -> None:
    """While three nodes with kept data take their time to shut down, another SIGTERM ends all with code 1."""
    process = launcher.start("--nodes", "3", "--data", str(launcher.folder / "kept"))
    launcher.ready(process)
    assert len(launcher.java_pids()) == 3
    process.terminate()
    eventually(lambda: len(launcher.java_pids()) < 3, GONE_WITHIN_SECONDS, "the first node to shut down")
    process.terminate()
    # In order it would end with code 0, and not before all three nodes have shut down.
    assert process.wait(GONE_WITHIN_SECONDS) == 1
    assert launcher.nothing_left()


def test_a_broker_that_fails_to_start_is_explained(launcher: Launcher) -> None:
    """The exit code is 1, nothing is printed as ready, and the end of Kafka's log shows the reason."""
    process = launcher.start("--property", "num.io.threads=none")
    assert process.wait(READY_WITHIN_SECONDS) == 1
    assert launcher.out == ""
    assert "kafka_local: node 1 ended" in launcher.err
    assert "Invalid value none for configuration num.io.threads" in launcher.err
    assert launcher.nothing_left()


def test_a_broker_that_ends_by_itself_ends_the_launcher(launcher: Launcher) -> None:
    """A launcher without its Kafka would be a lie: it ends with code 1 and says so."""
    process = launcher.start()
    launcher.ready(process)
    os.kill(launcher.java_pids()[0], signal.SIGKILL)
    assert process.wait(GONE_WITHIN_SECONDS) == 1
    assert "kafka_local: node 1 ended by itself" in launcher.err
    assert launcher.nothing_left()
