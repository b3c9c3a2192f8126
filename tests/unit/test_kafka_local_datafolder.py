"""What a kept data folder remembers of the cluster that it belongs to."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from kafka_local.datafolder import occupy, settle_identity
from kafka_local.errors import RequestError
from kafka_local.ports import CHOICE, free_port, is_free
from kafka_local.storage import format_node, new_id

if TYPE_CHECKING:
    from pathlib import Path


def test_a_cluster_keeps_its_id_and_ports(tmp_path: Path) -> None:
    """A later run on the same folder is the same cluster at the same addresses."""
    first = settle_identity(tmp_path, 3, None)
    assert settle_identity(tmp_path, 3, None) == first
    ports = [port for endpoint in first.endpoints for port in (endpoint.client_port, endpoint.controller_port)]
    assert len(set(ports)) == 6
    assert all(port in CHOICE for port in ports)


def test_a_port_that_is_taken_meanwhile_is_replaced(tmp_path: Path) -> None:
    """Only the port in use changes; the cluster's id and the other ports stay."""
    first = settle_identity(tmp_path, 1, None)
    with socket.create_server(("127.0.0.1", first.endpoints[0].client_port)):
        second = settle_identity(tmp_path, 1, None)
    assert second.cluster_id == first.cluster_id
    assert second.endpoints[0].controller_port == first.endpoints[0].controller_port
    assert second.endpoints[0].client_port != first.endpoints[0].client_port


def test_a_named_port_is_kept_to_or_refused(tmp_path: Path) -> None:
    """The caller's port is node 1's, and never silently another."""
    port = free_port(())
    assert settle_identity(tmp_path, 3, port).endpoints[0].client_port == port
    with socket.create_server(("127.0.0.1", port)), pytest.raises(RequestError, match=f"port {port} is in use"):
        settle_identity(tmp_path, 3, port)
    assert is_free(port)


def test_another_number_of_nodes_is_refused(tmp_path: Path) -> None:
    """Data of one node is not started as a cluster of three."""
    settle_identity(tmp_path, 1, None)
    with pytest.raises(RequestError, match=r"holds the data of 1 node\(s\), not of 3"):
        settle_identity(tmp_path, 3, None)


def test_a_file_of_someone_else_is_refused(tmp_path: Path) -> None:
    """A cluster.json that is not ours is named, not overwritten."""
    (tmp_path / "cluster.json").write_text('{"something": "else"}')
    with pytest.raises(RequestError, match=r"cluster\.json is not one of ours"):
        settle_identity(tmp_path, 1, None)


def test_a_folder_serves_one_cluster_at_a_time(tmp_path: Path) -> None:
    """The second one to come is refused until the first one is gone."""
    lock = occupy(tmp_path)
    with pytest.raises(RequestError, match="another Kafka runs on"):
        occupy(tmp_path)
    os.close(lock)
    os.close(occupy(tmp_path))


def test_a_folder_that_can_not_be_made_is_told_as_such(tmp_path: Path) -> None:
    """A file in the way is a wrong argument, not a crash."""
    (tmp_path / "file").touch()
    with pytest.raises(RequestError, match="no data can be kept in"):
        occupy(tmp_path / "file" / "data")


def test_a_formatted_node_keeps_its_ids(tmp_path: Path) -> None:
    """Formatting again, with whatever ids, changes nothing: the data belongs to the first ones."""
    checkpoint = tmp_path / "checkpoint"
    checkpoint.write_bytes(b"levels")
    format_node(tmp_path, 1, new_id(), checkpoint)
    meta = (tmp_path / "data" / "meta.properties").read_text()
    format_node(tmp_path, 1, new_id(), checkpoint)
    assert (tmp_path / "data" / "meta.properties").read_text() == meta
    assert (tmp_path / "data" / "bootstrap.checkpoint").read_bytes() == b"levels"


def test_ids_are_what_kafka_takes() -> None:
    """An id is 22 characters of URL-safe base64, which never start like an option."""
    ids = {new_id() for _ in range(200)}
    assert len(ids) == 200
    assert {len(text) for text in ids} == {22}
    assert not any(text.startswith("-") for text in ids)
