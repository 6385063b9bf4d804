#!/bin/sh
# Waits until this host has the addresses given as arguments (with length), and our rules of both families; says what is missing.
set -u
tries=50

missing() {
    present="$(ip -oneline address show)"
    for address in "$@"; do
        case "$present" in *" $address "*) ;; *) printf 'address %s\n' "$address" ;; esac
    done
    for family in -4 -6; do
        rules="$(ip "$family" rule show)"
        for priority in 142 144 145 32768; do
            case "$rules" in *"$priority:"*) ;; *) printf 'rule %s of ip %s\n' "$priority" "$family" ;; esac
        done
    done
}

# a run that was interrupted before it told networkd owes it the reload
[ -z "$(missing "$@")" ] || networkctl reload
while [ -n "$(missing "$@")" ] && [ "$tries" -gt 0 ]; do
    sleep 0.2
    tries=$((tries - 1))
done
left="$(missing "$@")"
if [ -n "$left" ]; then
    echo "not there 10 s after systemd-networkd was told:" "$left" >&2
    exit 1
fi
