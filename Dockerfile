# One image for every service: they share the pipeline package and differ in the module they run.
# `docker build --target detector .` makes the image of one of them; a deployment hands in the digest it has tested:
# `--build-arg PYTHON_IMAGE=python:3.13-slim@sha256:...`.
ARG PYTHON_IMAGE=python:3.13-slim

# Wheels only, so no compiler is needed here, and no pip in what is copied out of here.
FROM ${PYTHON_IMAGE} AS dependencies
COPY requirements.txt /
RUN python -m venv --without-pip /opt/venv \
    && pip --python /opt/venv/bin/python install --no-cache-dir --disable-pip-version-check --root-user-action=ignore \
        --only-binary :all: --require-hashes --requirement /requirements.txt

# Compiled once here: in a read-only container, every start and every health check would do it again. The compiled
# files hold no time stamps, so the layers of a package that did not change stay the same.
FROM ${PYTHON_IMAGE} AS code
WORKDIR /app
COPY . .
RUN python -m compileall -q --invalidation-mode unchecked-hash .

FROM ${PYTHON_IMAGE} AS base
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HEARTBEAT_FILE=/tmp/heartbeat
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin pipeline
RUN install --directory --owner=10001 --group=10001 /var/lib/fraud-pipeline
WORKDIR /app
COPY --from=dependencies /opt/venv /opt/venv
COPY --from=code /app/pipeline pipeline
USER 10001:10001
HEALTHCHECK --interval=15s --timeout=5s --start-period=90s --start-interval=2s --retries=2 \
    CMD ["python", "-m", "pipeline.runtime.health"]

FROM base AS topics
HEALTHCHECK NONE
CMD ["python", "-m", "pipeline.runtime.provision"]

FROM base AS generator
COPY --from=code /app/generator generator
CMD ["python", "-m", "generator"]

FROM base AS detector
COPY --from=code /app/detector detector
COPY --from=code /app/rules rules
CMD ["python", "-m", "detector"]

FROM base AS legit_processor
COPY --from=code /app/legit_processor legit_processor
CMD ["python", "-m", "legit_processor"]

FROM base AS fraud_processor
COPY --from=code /app/fraud_processor fraud_processor
CMD ["python", "-m", "fraud_processor"]

FROM base AS dashboard
COPY --from=code /app/dashboard dashboard
CMD ["python", "-m", "dashboard"]
