"""Three nodes, one of which is lost: nothing stops for long, no service ends, and the auditor finds nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kafka_local import Cluster
from tests.support.deployment import Deployment

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

pytestmark = pytest.mark.chaos


@pytest.mark.timeout(300)
def test_the_loss_of_any_node_ends_no_service(tmp_path: Path) -> None:
    """One node after the other is killed and comes back, leaders and transaction coordinators with it.

    Guard: ``BoundedProducer``; with the client's own waits without an end, the watchdog ends services here.
    """
    with Cluster(nodes=3) as cluster:
        pipeline = Deployment(cluster.bootstrap_servers, partitions=3)
        pipeline.provision()
        services: dict[str, subprocess.Popen[bytes]] = {}
        try:
            for name in ("detector", "legit_processor", "generator"):
                services[name] = pipeline.spawn(name, tmp_path / name, TRANSACTIONS_PER_SECOND="200")
            pipeline.wait_until_judged(300)
            for node in cluster.nodes:
                before = pipeline.audit().input
                node.kill()
                # So much more than was under way can only be judged without that node.
                assert pipeline.wait_until_judged(before + 600).clean
                node.start()
            services["generator"].terminate()
            assert services["generator"].wait(60) == 0
            report = pipeline.wait_until_drained()
            assert report.clean, report
            ended = {name: found.returncode for name, found in services.items() if found.poll() not in {None, 0}}
            assert not ended, f"logs in {tmp_path}"
        finally:
            pipeline.end()
