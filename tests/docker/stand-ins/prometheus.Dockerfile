# Stands in for prom/prometheus, which only a registry has: Debian's.
FROM localhost/python:3.11-slim-bookworm
RUN apt-get -qq update \
 && apt-get -qq install -y --no-install-recommends prometheus \
 && mkdir -p /prometheus && chown 65534:65534 /prometheus
USER 65534:65534
ENTRYPOINT ["prometheus"]
