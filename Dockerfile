# SPDX-License-Identifier: Apache-2.0
# The operator image for people with a container engine. `make images` builds the same without one.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ENV CGO_ENABLED=0
RUN go build -trimpath -buildvcs=false -ldflags="-s -w" -o /out/airlock . \
 && go build -trimpath -buildvcs=false -ldflags="-s -w" -o /out/airlock-runner ./cmd/airlock-runner

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/airlock /out/airlock-runner /
USER 65532:65532
ENTRYPOINT ["/airlock"]
