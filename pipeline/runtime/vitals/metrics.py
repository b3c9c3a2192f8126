"""The registry of metrics: each is declared once, here, and everything else takes its name from here.

Documentation, the alert rules and the dashboard of Grafana are held against it by tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

COUNTER: Final = "counter"
GAUGE: Final = "gauge"
HISTOGRAM: Final = "histogram"

GENERATOR: Final = "generator"
DETECTOR: Final = "detector"
LEGIT: Final = "legit_processor"
FRAUD: Final = "fraud_processor"
DASHBOARD: Final = "dashboard"
LOOPS: Final = (DETECTOR, LEGIT, FRAUD)
SERVICES: Final = (GENERATOR, *LOOPS, DASHBOARD)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. ``name`` is as Prometheus stores it, ``of`` are the services that have it.

    ``buckets`` of a histogram are upper bounds in its unit, without the last, which is infinite.
    """

    name: str
    kind: str
    told: str
    of: tuple[str, ...]
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


INFO: Final = Metric("fraud_service_info", GAUGE, "Always 1; which service this is.", SERVICES, ("service",))
BEAT: Final = Metric(
    "fraud_heartbeat_timestamp_seconds", GAUGE, "When the loop turned last, in seconds since 1970.", SERVICES
)
READY: Final = Metric("fraud_ready", GAUGE, "1 while the service is ready, as `/readyz` says.", SERVICES)

RECORDS: Final = Metric(
    "fraud_records_total",
    COUNTER,
    "Records that are handled for good.",
    LOOPS,
    ("topic",),
)
BATCHES: Final = Metric("fraud_batches_total", COUNTER, "Transactions of Kafka that are committed.", LOOPS)
ABORTS: Final = Metric(
    "fraud_batches_aborted_total", COUNTER, "Transactions that were undone; their records come again.", LOOPS
)
BATCH_SECONDS: Final = Metric(
    "fraud_batch_seconds",
    HISTOGRAM,
    "How long a transaction takes, from its begin to its commit.",
    LOOPS,
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
LATENCY: Final = Metric(
    "fraud_record_age_seconds",
    HISTOGRAM,
    "How old records are, by their time stamps, when they are handled for good; a processor's is that from end to end.",
    LOOPS,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800),
)
DEAD_LETTERS: Final = Metric(
    "fraud_dead_letters_total", COUNTER, "Records that could not be handled, by why.", LOOPS, ("topic", "reason")
)
LAG: Final = Metric(
    "fraud_consumer_lag_records",
    GAUGE,
    "Records that wait, of each partition that this process reads; with those of transactions that are open.",
    LOOPS,
    ("topic", "partition"),
)
TRIPPED: Final = Metric(
    "fraud_breaker_tripped",
    GAUGE,
    "1 while nothing is handled because too much of it was invalid: a person has to look.",
    LOOPS,
)

JUDGED: Final = Metric("fraud_judged_total", COUNTER, "Transactions that the rules have judged.", (DETECTOR,))
RULE_HITS: Final = Metric(
    "fraud_rule_hits_total",
    COUNTER,
    "What rules did: hits by how they count (counted, shadow, exempt), and errors by their code.",
    (DETECTOR,),
    ("rule", "what"),
)
RULES: Final = Metric(
    "fraud_rules_info", GAUGE, "Always 1; the version of the rules in force.", (DETECTOR,), ("version",)
)
STATE_KEYS: Final = Metric(
    "fraud_state_keys", GAUGE, "Values of keys whose past the rules remember, by stage.", (DETECTOR,), ("stage",)
)
STATE_BYTES: Final = Metric(
    "fraud_state_bytes",
    GAUGE,
    "What the rules remember, as docs/rules.md counts it, by stage; `STATE_MAX_BYTES` bounds it.",
    (DETECTOR,),
    ("stage",),
)
STATE_EVICTED: Final = Metric(
    "fraud_state_evicted_keys_total",
    COUNTER,
    "Values of keys that went since what rules remember had reached its bound; verdicts may be partial.",
    (DETECTOR,),
)
SNAPSHOTS: Final = Metric(
    "fraud_snapshots_total",
    COUNTER,
    "Snapshots of what the rules remember of a partition, by what became of them: written or failed.",
    (DETECTOR,),
    ("outcome",),
)
SNAPSHOT_SECONDS: Final = Metric(
    "fraud_snapshot_last_seconds", GAUGE, "How long the last snapshot took to be written.", (DETECTOR,)
)
SNAPSHOT_BYTES: Final = Metric(
    "fraud_snapshot_last_bytes", GAUGE, "What of the last snapshot had changed and was written.", (DETECTOR,)
)
RESTORE_SECONDS: Final = Metric(
    "fraud_restore_last_seconds",
    GAUGE,
    "How long it took last until the rules remembered what comes before: from snapshots, and from the log.",
    (DETECTOR,),
)

BOOKINGS: Final = Metric(
    "fraud_bookings_total",
    COUNTER,
    "What became of payments in the ledger: booked, duplicate or refused.",
    (LEGIT,),
    ("outcome",),
)
ALERTS: Final = Metric("fraud_alerts_total", COUNTER, "Frauds that have joined a case.", (FRAUD,))
OUTBOX_WAITING: Final = Metric(
    "fraud_outbox_waiting",
    GAUGE,
    "Messages that wait, in the database that replicas share.",
    (FRAUD,),
    ("outlet",),
)
OUTBOX_LIMIT: Final = Metric(
    "fraud_outbox_limit", GAUGE, "How many may wait; beyond, what there is to tell is gathered.", (FRAUD,), ("outlet",)
)
OUTBOX_SENT: Final = Metric("fraud_outbox_sent_total", COUNTER, "Messages that have arrived.", (FRAUD,), ("outlet",))
OUTBOX_FAILED: Final = Metric(
    "fraud_outbox_failed_total", COUNTER, "Tries at which a message was not taken.", (FRAUD,), ("outlet",)
)

GENERATED: Final = Metric(
    "fraud_generated_total", COUNTER, "Transactions that brokers have acknowledged.", (GENERATOR,)
)
GENERATED_FAILED: Final = Metric(
    "fraud_generated_failed_total", COUNTER, "Transactions that the client has given up.", (GENERATOR,)
)
IN_FLIGHT: Final = Metric(
    "fraud_generator_in_flight", GAUGE, "Transactions that are sent and not yet acknowledged.", (GENERATOR,)
)

PAGES: Final = Metric("fraud_dashboard_pages", GAUGE, "Pages that look.", (DASHBOARD,))
ROWS: Final = Metric(
    "fraud_dashboard_rows_total",
    COUNTER,
    "Transactions that are read.",
    (DASHBOARD,),
    ("branch",),
)
MISSED: Final = Metric(
    "fraud_dashboard_missed_total",
    COUNTER,
    "Rows that pages did not take in time, and were told the number of instead.",
    (DASHBOARD,),
)

ALL: Final = (
    INFO,
    BEAT,
    READY,
    RECORDS,
    BATCHES,
    ABORTS,
    BATCH_SECONDS,
    LATENCY,
    DEAD_LETTERS,
    LAG,
    TRIPPED,
    JUDGED,
    RULE_HITS,
    RULES,
    STATE_KEYS,
    STATE_BYTES,
    STATE_EVICTED,
    SNAPSHOTS,
    SNAPSHOT_SECONDS,
    SNAPSHOT_BYTES,
    RESTORE_SECONDS,
    BOOKINGS,
    ALERTS,
    OUTBOX_WAITING,
    OUTBOX_LIMIT,
    OUTBOX_SENT,
    OUTBOX_FAILED,
    GENERATED,
    GENERATED_FAILED,
    IN_FLIGHT,
    PAGES,
    ROWS,
    MISSED,
)
