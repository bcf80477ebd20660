# The example game server alone: a process that Agones' SDK and a sessions API expect.
#
#   docker build --file docker/arena.Dockerfile --tag readyup-arena:dev .
#
# The base is pinned as in service.Dockerfile, by a digest in PYTHON_IMAGE.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS wheel
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN ["python", "-m", "venv", "--without-pip", "/opt/build"]
COPY docker/build.lock ./
RUN ["python", "-m", "pip", "--python", "/opt/build/bin/python", "install", "--require-hashes", "--no-deps", "--only-binary=:all:", "--requirement", "build.lock"]
COPY pyproject.toml README.md LICENSE ./
COPY core core
COPY gameserver gameserver
COPY fleets fleets
COPY allocator allocator
COPY matchmaker matchmaker
COPY readyup readyup
RUN ["/opt/build/bin/python", "-m", "hatchling", "build", "--target", "wheel", "--directory", "/wheel"]

FROM ${PYTHON_IMAGE} AS environment
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN ["python", "-m", "venv", "--without-pip", "/opt/arena"]
COPY docker/arena.lock ./
RUN ["python", "-m", "pip", "--python", "/opt/arena/bin/python", "install", "--require-hashes", "--no-deps", "--only-binary=:all:", "--requirement", "arena.lock"]
COPY --from=wheel /wheel /wheel
RUN ["python", "-m", "pip", "--python", "/opt/arena/bin/python", "install", "--no-deps", "--no-index", "--find-links=/wheel", "readyup"]

FROM ${PYTHON_IMAGE}
ARG REVISION=""
LABEL org.opencontainers.image.title="readyup-arena" \
      org.opencontainers.image.description="The example game server of ReadyUp." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=environment /opt/arena /opt/arena
ENV PATH=/opt/arena/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /opt/arena
USER 65532:65532
STOPSIGNAL SIGTERM
# No HEALTHCHECK: a game server says that it lives through the SDK, and its fleet judges it.
ENTRYPOINT ["python", "-m", "gameserver.arena"]
