# The service: every role of `readyup serve`, the demo and the bots in one image.
#
#   docker build --file docker/service.Dockerfile --tag readyup:dev .
#
# A tag may move. For a build that can be repeated, name the base by its digest:
#   --build-arg PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:<64 hex digits>
# which `docker buildx imagetools inspect python:3.11-slim-bookworm` prints.
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
# Without pip: what it makes is copied, and the last stage installs nothing.
RUN ["python", "-m", "venv", "--without-pip", "/opt/readyup"]
# Before our own wheel, since it changes less often.
COPY requirements-runtime.lock ./
RUN ["python", "-m", "pip", "--python", "/opt/readyup/bin/python", "install", "--require-hashes", "--no-deps", "--only-binary=:all:", "--requirement", "requirements-runtime.lock"]
COPY --from=wheel /wheel /wheel
RUN ["python", "-m", "pip", "--python", "/opt/readyup/bin/python", "install", "--no-deps", "--no-index", "--find-links=/wheel", "readyup"]

FROM ${PYTHON_IMAGE}
ARG REVISION=""
LABEL org.opencontainers.image.title="readyup" \
      org.opencontainers.image.description="Puts players into matches on game servers that are already warm." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=environment /opt/readyup /opt/readyup
# PYTHONDONTWRITEBYTECODE is for a read-only root; local game servers of the role fleets then
# keep theirs in run_dir, which is below /tmp: mount a tmpfs there.
ENV PATH=/opt/readyup/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# Not /tmp: `python -m` imports from where it stands, and this folder is root's.
WORKDIR /opt/readyup
USER 65532:65532
STOPSIGNAL SIGTERM
# Whatever runs in it: it left the address of its admin port in its run folder, below /tmp.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-m", "readyup.wiring.health"]
ENTRYPOINT ["readyup"]
CMD ["serve"]
