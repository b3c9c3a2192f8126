"""What a measurement ran on."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Final

import kafka
import psutil

from bench.results import Machine
from kafka_local.jars import kafka_version
from pipeline.runtime.compiled import how_it_runs

GIB: Final = 1024**3
CPUINFO: Final = Path("/proc/cpuinfo")


def this_machine() -> Machine:
    """Return what can be said of this machine now."""
    return Machine(
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else psutil.cpu_count() or 1,
        processor=_processor(),
        memory_gib=round(psutil.virtual_memory().total / GIB, 1),
        system=platform.system(),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        code=how_it_runs(),
        kafka=kafka_version(),
        client=f"kafka-python {kafka.__version__}",
        load_before=round(os.getloadavg()[0], 2),
    )


def _processor() -> str:
    if CPUINFO.exists():
        for line in CPUINFO.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
