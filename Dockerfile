# weir in a container. Built and run in script/check-deploy; docker-compose.yml and k8s/ use it.
#
#   docker build -t weir .
#   docker run --rm weir config show -c config/user-login.yaml
#
# The base is pinned by its point release. For builds that are the same for ever, name a digest as well:
#   docker build --build-arg DEBIAN=debian:13.6-slim@sha256:… -t weir .
ARG DEBIAN=debian:13.6-slim

FROM ${DEBIAN} AS build
# What script/setup installs for a build, without the tests' part. librdkafka is the system's: 2.8.0 in Debian 13, the
# version that all tests run on.
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
        cmake gcc libc6-dev ninja-build pkg-config \
        libavro-dev libcurl4-openssl-dev libjansson-dev librdkafka-dev libyaml-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /weir
COPY CMakeLists.txt CMakePresets.json ./
COPY cmake cmake
COPY include include
COPY src src
RUN cmake --preset release -DWEIR_TESTS=OFF -DCMAKE_INSTALL_PREFIX=/usr \
 && cmake --build --preset release --target weir \
 && DESTDIR=/weir/install cmake --install build/release --strip

FROM ${DEBIAN}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="weir" \
      org.opencontainers.image.description="Moves records between Kafka topics exactly once" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# ca-certificates: for brokers and registries behind TLS whose certificates are public.
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
        ca-certificates libavro24 libcurl4t64 libjansson4 librdkafka1 libyaml-0-2 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log \
 && groupadd --system --gid 65532 weir \
 && useradd --system --uid 65532 --gid 65532 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin weir
COPY --from=build /weir/install/usr/bin/weir /usr/bin/weir
# The shipped pipeline, so that the commands of the README work here as they do in a clone.
COPY LICENSE /usr/share/weir/
COPY config /usr/share/weir/config
COPY schemas /usr/share/weir/schemas
WORKDIR /usr/share/weir
# By number, so that Kubernetes can see that it is not root. weir writes no file: the root file system may be read-only.
USER 65532:65532
# No shell in between: SIGTERM reaches weir, which is process 1 and stops within 10 seconds, the open batch committed.
ENTRYPOINT ["/usr/bin/weir"]
CMD ["--help"]
