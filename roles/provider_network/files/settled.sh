#!/bin/sh
# Waits until this host has the addresses given as arguments (with length); says which are missing.
set -u
tries=50

missing() {
    present="$(ip -oneline address show)"
    for address in "$@"; do
        case "$present" in *" $address "*) ;; *) printf '%s\n' "$address" ;; esac
    done
}

while [ -n "$(missing "$@")" ] && [ "$tries" -gt 0 ]; do
    sleep 0.2
    tries=$((tries - 1))
done
left="$(missing "$@")"
if [ -n "$left" ]; then
    echo "not there 10 s after systemd-networkd was told:" $left >&2
    exit 1
fi
