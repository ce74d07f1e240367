# syntax=docker/dockerfile:1
# The program alone: no shell, not root, and it writes nowhere but below /data.
#
#   docker build -t wellhead .
#   docker run --rm --read-only wellhead run transaction --records 3 --to stdout
#
# deploy/compose.yaml runs it as a server.

FROM rust:1.95-bookworm AS build
RUN rustup target add wasm32-unknown-unknown
# They compile JavaScript's engine and Python's module.
RUN apt-get update && apt-get install -y --no-install-recommends clang-22 lld-22 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
# zlib is the one library that would be looked for on the machine that runs it.
ENV LIBZ_SYS_STATIC=1
COPY Cargo.toml Cargo.lock ./
COPY wit wit
COPY plugins plugins
COPY host host
# Members of the workspace, without which Cargo doesn't read it.
COPY examples examples
COPY tests tests
RUN plugins/build.sh \
 && cargo build --profile dist --locked --package wellhead --bins \
 && mkdir /data

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /src/target/dist/wellhead /usr/local/bin/wellhead
# A volume that is mounted here for the first time takes its owner from this.
COPY --from=build --chown=65532:65532 /data /data
ENV WELLHEAD_DATA=/data/server WELLHEAD_STATE=/data/runs WELLHEAD_CACHE=/data/cache WELLHEAD_PLUGINS=/data/plugins
USER 65532:65532
WORKDIR /data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["wellhead", "health"]
ENTRYPOINT ["wellhead"]
CMD ["serve", "--listen", "0.0.0.0:8080"]
