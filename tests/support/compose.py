"""Compose files brought up under names, a network and ports that nobody else uses, and what Docker says of them."""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parents[2]
KEPT_VARIABLES = (
    "PATH",
    "HOME",
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_CERT_PATH",
    "XDG_RUNTIME_DIR",
)
PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
# Below the kernel's own range, from which any program may be given a port meanwhile.
PORTS = range(20_000, 32_000)
ANSWERS_WITHIN_SECONDS = 30
COMMAND_WITHIN_SECONDS = 240


class ComposeError(Exception):
    """A command failed; the text is the command and what it said."""


def require_docker() -> None:
    """Skip the test where no engine answers; fail it instead with CI=true and FRAUD_REQUIRE_DOCKER=1."""
    why = _missing()
    if why is None:
        return
    if os.environ.get("CI") == "true" and os.environ.get("FRAUD_REQUIRE_DOCKER") == "1":
        pytest.fail(f"FRAUD_REQUIRE_DOCKER=1, and {why}")
    pytest.skip(why)


@cache
def _missing() -> str | None:
    if shutil.which("docker") is None:
        return "there is no docker command"
    for command in (["docker", "info"], ["docker", "compose", "version"]):
        try:
            asked = subprocess.run(command, capture_output=True, text=True, check=False, timeout=ANSWERS_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            return f"`{' '.join(command)}` does not answer within {ANSWERS_WITHIN_SECONDS} s"
        if asked.returncode != 0:
            return f"`{' '.join(command)}` fails: {asked.stderr.strip()}"
    return None


def docker(*arguments: str, variables: Mapping[str, str] | None = None) -> str:
    """Return what a docker command prints. No variable of the caller's environment reaches a compose file.

    Raises:
        ComposeError: it failed, or took too long.

    """
    command = ["docker", *arguments]
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    try:
        run = subprocess.run(
            command,
            cwd=ROOT,
            env={**kept, **(variables or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
            timeout=COMMAND_WITHIN_SECONDS,
        )
    except subprocess.CalledProcessError as error:
        message = f"{' '.join(command)}: exit code {error.returncode}\n{error.stdout}{error.stderr}"
        raise ComposeError(message) from None
    except subprocess.TimeoutExpired as error:
        raise ComposeError(str(error)) from None
    return run.stdout


@contextmanager
def network(name: str) -> Iterator[None]:
    """Have a network of this name for the time of the block."""
    docker("network", "create", name)
    try:
        yield
    finally:
        docker("network", "rm", name)


def free_ports(count: int) -> list[str]:
    """Return so many different ports that are free on 127.0.0.1, most likely still in a second."""
    found: list[str] = []
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                found.append(str(port))
        if len(found) == count:
            break
    return found


@dataclass(frozen=True, slots=True)
class Container:
    """A container at one moment. ``health`` is empty where it has no health check."""

    id: str
    service: str
    status: str
    exit_code: int
    health: str
    restarts: int
    read_only: bool
    volumes: tuple[str, ...]

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Container:
        """Read what ``docker inspect`` says."""
        state = facts["State"]
        return cls(
            id=facts["Id"],
            service=facts["Config"]["Labels"][SERVICE_LABEL],
            status=state["Status"],
            exit_code=state["ExitCode"],
            health=state.get("Health", {}).get("Status", ""),
            restarts=facts["RestartCount"],
            read_only=facts["HostConfig"]["ReadonlyRootfs"],
            volumes=tuple(mount["Name"] for mount in facts["Mounts"] if mount["Type"] == "volume"),
        )

    @property
    def runs(self) -> bool:
        """Tell whether it ran at that moment."""
        return self.status == "running"

    def wait_for_end(self) -> None:
        """Return when the container has ended; raises ComposeError where it does not within some minutes."""
        docker("wait", self.id)

    def run(self, *command: str) -> str:
        """Return what a command prints that runs in the container, as the container's own user."""
        return docker("exec", self.id, *command)

    def output(self) -> list[str]:
        """Return the lines on standard output, without those of the log, which are on standard error."""
        return docker("logs", self.id).splitlines()

    def log(self) -> list[str]:
        """Return the lines on standard error."""
        command = ["docker", "logs", self.id]
        run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=COMMAND_WITHIN_SECONDS)
        return run.stderr.splitlines()


@dataclass(frozen=True, slots=True)
class Project:
    """A compose file under a project name of its own. ``variables`` are all that the file gets to see."""

    name: str
    file: str
    variables: Mapping[str, str] = field(default_factory=dict)

    def compose(self, *arguments: str) -> str:
        """Return what ``docker compose`` prints; a developer's .env is left out of it."""
        project = ("--project-name", self.name, "--file", self.file, "--env-file", os.devnull)
        return docker("compose", *project, *arguments, variables=self.variables)

    def containers(self, *services: str) -> list[Container]:
        """Return the containers of these services, of all without any, stopped ones too."""
        ids = docker("ps", "--all", "--quiet", "--no-trunc", "--filter", f"label={PROJECT_LABEL}={self.name}").split()
        found = [Container.of(facts) for facts in json.loads(docker("inspect", *ids))] if ids else []
        return [container for container in found if not services or container.service in services]

    def down(self) -> None:
        """Remove all of it: containers, volumes, and the images that were built for it."""
        self.compose("--profile", "*", "down", "--volumes", "--remove-orphans", "--rmi", "local")

    @contextmanager
    def taken_down(self) -> Iterator[None]:
        """Take it down at the end of the block, whatever happens there."""
        try:
            yield
        finally:
            self.down()

    def remains(self) -> list[str]:
        """Return the containers, volumes and networks that carry the project's name."""
        mine = ("--quiet", "--filter", f"label={PROJECT_LABEL}={self.name}")
        listed = (("ps", "--all", *mine), ("volume", "ls", *mine), ("network", "ls", *mine))
        return [line for command in listed for line in docker(*command).split()]
