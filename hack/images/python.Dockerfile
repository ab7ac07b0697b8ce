# SPDX-License-Identifier: Apache-2.0
# The Python sandbox image for people with a container engine. `go -C hack/images run . python` builds a
# smaller, reproducible one from the same packages.
FROM debian:12-slim AS build
RUN apt-get update && apt-get install --yes --no-install-recommends \
      ca-certificates libopenblas0-serial python3-matplotlib python3-numpy python3-pandas tzdata
# What Python needs at run time: no shell, no package manager, no other program.
RUN mkdir -p /image/usr/bin /image/usr/share /image/etc/ssl /image/workspace /image/inputs /image/airlock \
 && install -d -m 1777 /image/tmp \
 && ln -s usr/bin /image/bin && ln -s usr/lib /image/lib && ln -s usr/lib64 /image/lib64 \
 && cp -a /usr/bin/python3 /usr/bin/python3.11 /image/usr/bin/ \
 && cp -a /usr/lib /usr/lib64 /image/usr/ \
 && cp -a /usr/share/fonts /usr/share/matplotlib /usr/share/zoneinfo /image/usr/share/ \
 && cp -a /etc/ssl/certs /image/etc/ssl/ \
 && cp -a /etc/alternatives /etc/matplotlibrc /etc/python3.11 /etc/os-release /etc/services /etc/protocols /image/etc/ \
 && rm -rf /image/usr/lib/apt /image/usr/lib/dpkg /image/usr/lib/gcc /image/usr/lib/git-core /image/usr/lib/systemd \
 && printf 'root:x:0:0:root:/:/nonexistent\nnonroot:x:65532:65532:nonroot:/tmp:/nonexistent\n' > /image/etc/passwd \
 && printf 'root:x:0:\nnonroot:x:65532:\n' > /image/etc/group \
 && chown 65532:65532 /image/workspace

FROM scratch
COPY --from=build /image /
ENV PATH=/usr/bin HOME=/tmp LANG=C.UTF-8 MPLBACKEND=Agg MPLCONFIGDIR=/tmp PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
WORKDIR /workspace
USER 65532:65532
CMD ["/usr/bin/python3"]
