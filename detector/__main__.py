"""``python -m detector``."""

import os
import sys

from dotenv import find_dotenv, load_dotenv

from detector.bound import Bound
from detector.routing import told_of
from detector.settings import VARIABLES, DetectorSettings
from detector.snapshots.snapshots import snapshots_of
from detector.versions.in_force import rules_in_force
from pipeline.contracts import topics
from pipeline.contracts.codec import Codec
from pipeline.runtime.hop_topics import prepare_logs
from pipeline.runtime.lifecycle import Service, Stop, run
from pipeline.runtime.service import Source, Work, serve
from pipeline.runtime.startup import wait_for_topics
from pipeline.runtime.vitals import Vitals


def detect(settings: DetectorSettings, stop: Stop, vitals: Vitals) -> None:
    """Judge transactions until a stop is requested."""
    with rules_in_force(settings, stop.wait) as rules:
        vitals.add(rules.figures)
        prepare_logs(
            settings.common, rules.hops, rules.reach_ms(), f"{settings.common.kafka.id_prefix}-hops", stop.wait
        )
        names = [settings.common.topics[topics.TRANSACTIONS], *rules.hops.values()]
        facts = wait_for_topics(names, settings.common.kafka, f"{settings.common.kafka.id_prefix}-logs", stop.wait)
        rules.bound = Bound(settings.state_bytes, [facts[name].partitions for name in names])

        with snapshots_of(settings.common, settings.snapshot_seconds, list(rules.hops), stop.wait, vitals) as snapshots:

            def judge(codec: Codec, _: Source) -> Work:
                detector = rules.detector(codec)
                return Work(detector, snapshots=snapshots(detector), verb="detect", describe=told_of)

            serve("detector", settings.service, judge, stop, vitals, marks=rules, hops=tuple(rules.hops))


SERVICE = Service(
    "detector", "Judge transactions and route them to legit or fraud.", VARIABLES, DetectorSettings.from_env, detect
)

if __name__ == "__main__":
    load_dotenv(find_dotenv(usecwd=True))
    sys.exit(run(SERVICE, os.environ, sys.argv[1:]))
