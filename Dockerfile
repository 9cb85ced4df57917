# SPDX-License-Identifier: Apache-2.0
#
# Three stages: `build` compiles the hardened preset, `test` runs the C tests against a PostgreSQL of its own, `run` holds
# the binary and the libraries it needs. The binary of `run` is taken from `test`, so that no image is made of a build
# whose tests fail. scripts/check-image builds and runs this file without a container engine.

FROM debian:bookworm-slim AS build
RUN apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
	gcc libc6-dev cmake ninja-build pkg-config libulfius-dev liborcania-dev libyder-dev libmicrohttpd-dev \
	libjansson-dev libjwt-dev libpq-dev libsodium-dev libssl-dev libyaml-dev libcurl4-gnutls-dev \
	libcmocka-dev john-data libpsl-dev libidn2-dev libunistring-dev publicsuffix \
	&& rm -rf /var/lib/apt/lists/*
WORKDIR /partnerd
COPY . .
RUN cmake --preset release && cmake --build --preset release

FROM build AS test
RUN apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
	postgresql-common postgresql-15 procps && rm -rf /var/lib/apt/lists/*
RUN pg_virtualenv -v 15 -o fsync=off ctest --test-dir build/release --output-on-failure
RUN objcopy --strip-debug build/release/partnerd /usr/local/bin/partnerd && /usr/local/bin/partnerd version

FROM debian:bookworm-slim AS run
RUN apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
	ca-certificates tzdata libulfius2.7 liborcania2.3 libyder2.0 libmicrohttpd12 libjansson4 libjwt0 libpq5 \
	libsodium23 libssl3 libyaml-0-2 libcurl3-gnutls libpsl5 libidn2-0 libunistring2 publicsuffix \
	&& rm -rf /var/lib/apt/lists/* && groupadd --gid 10001 partnerd \
	&& useradd --uid 10001 --gid partnerd --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin partnerd
COPY --from=test /usr/local/bin/partnerd /usr/local/bin/partnerd
COPY --from=build /usr/share/john/password.lst /usr/share/john/password.lst
COPY --from=build /partnerd/LICENSE /usr/share/doc/partnerd/LICENSE
ENV PARTNERD_LISTEN_ADDRESS=0.0.0.0 PARTNERD_LISTEN_PORT=8080 \
	PARTNERD_ADMIN_ADDRESS=0.0.0.0 PARTNERD_ADMIN_PORT=9090
USER 10001:10001
EXPOSE 8080 9090
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 CMD ["/usr/local/bin/partnerd", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/partnerd"]
CMD ["serve"]
