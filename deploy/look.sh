#!/bin/sh
# `docker compose exec redis look HGETALL stats:soil-1`: redis-cli as the user who may only read.
REDISCLI_AUTH=$(cat /secrets/reader/password) exec "$(command -v redis-cli || command -v valkey-cli)" --user reader "$@"
