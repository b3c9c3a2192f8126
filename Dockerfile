# One image for every service: they share the pipeline package and differ in the module they run.
# `docker build --target detector .` makes the image of one of them.
FROM python:3.13-slim AS dependencies
COPY requirements.txt /
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /requirements.txt

FROM python:3.13-slim AS base
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HEARTBEAT_FILE=/tmp/heartbeat
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin pipeline
WORKDIR /app
COPY --from=dependencies /opt/venv /opt/venv
COPY pipeline pipeline
USER 10001
HEALTHCHECK --interval=10s --timeout=5s --start-period=90s --retries=3 CMD ["python", "-m", "pipeline.runtime.health"]

FROM base AS topics
HEALTHCHECK NONE
CMD ["python", "-m", "pipeline.runtime.provision"]

FROM base AS generator
COPY generator generator
CMD ["python", "-m", "generator"]

FROM base AS detector
COPY detector detector
CMD ["python", "-m", "detector"]

FROM base AS legit_processor
COPY legit_processor legit_processor
CMD ["python", "-m", "legit_processor"]

FROM base AS fraud_processor
COPY fraud_processor fraud_processor
CMD ["python", "-m", "fraud_processor"]
