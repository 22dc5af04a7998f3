# The door and the command line, nothing else.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /logctl ./cmd/logctl

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /logctl /usr/bin/logctl
ENV LOGCTL_DATA=/data
VOLUME /data
EXPOSE 5984
ENTRYPOINT ["/usr/bin/logctl"]
CMD ["serve", "--listen", "0.0.0.0:5984"]
