"""``python -m dashboard``."""

import logging
import os
import sys

from dotenv import find_dotenv, load_dotenv

from dashboard.live.following import CLIENT_ID, FOLLOWED, Following
from dashboard.live.hub import Hub
from dashboard.live.lags import Lags
from dashboard.live.readings import judges_of
from dashboard.settings import VARIABLES, DashboardSettings
from dashboard.web.application import Shown, guarded
from dashboard.web.cases import Cases
from dashboard.web.rules import Rules
from dashboard.web.topics import Topics
from pipeline.contracts import topics
from pipeline.contracts.codec import Codec
from pipeline.runtime.health import BEAT_SECONDS
from pipeline.runtime.http import Address, listen
from pipeline.runtime.lifecycle import Service, Stop, run
from pipeline.runtime.startup import wait_for_topics
from pipeline.runtime.vitals import Vitals

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 600  # requests, of which each page that looks is one


def show(settings: DashboardSettings, stop: Stop, vitals: Vitals) -> None:
    """Show what happens until a stop is requested."""
    kafka, names = settings.common.kafka, settings.common.topics
    needed = {names[topic] for topic in (topics.TRANSACTIONS, *FOLLOWED)}
    facts = wait_for_topics(needed, kafka, CLIENT_ID, stop.wait)
    partitions = {name: found.partitions for name, found in facts.items()}
    lags = Lags(kafka, names)
    codec = Codec(settings.common.format, facts[names[topics.TRANSACTIONS]].id)
    cases = Cases(settings.cases_url, settings.cases_token)
    hub = Hub(lambda: {"lags": lags.found, "connected": following.connected, "cases": cases.counts})
    vitals.add(hub.figures_of_service)
    following = Following(kafka, names, partitions, codec, hub.take)
    where = Address(settings.host, settings.port, "DASHBOARD_HOST, DASHBOARD_PORT")
    rules = Rules(kafka, names[topics.RULES], lambda cluster: judges_of(cluster, kafka, names))
    shown = Shown(hub, partitions, cases, Topics(kafka, names), rules)
    page = listen(
        where,
        guarded(settings, shown),
        MOST_AT_ONCE,
        settings.proxies,
    )
    logger.info("the dashboard is at %s%s", page.address, ", for who logs in" if settings.secrets else "")
    threads = [following.start(stop), lags.start(stop), cases.start(stop)]
    try:
        while not stop.wait(BEAT_SECONDS):
            if all(thread.is_alive() for thread in threads):
                vitals.beat()
            vitals.why_not = "" if hub.ready and following.connected else "what was there before is being read"
    finally:
        stop.request()
        hub.end()
        page.end()


SERVICE = Service("dashboard", "Show what flows through the pipeline.", VARIABLES, DashboardSettings.from_env, show)

if __name__ == "__main__":
    load_dotenv(find_dotenv(usecwd=True))
    sys.exit(run(SERVICE, os.environ, sys.argv[1:]))
