#!/bin/sh
# let_go.sh LINK…: waits until systemd-networkd has let go of these links, with the rules and addresses that it gave them.
set -u
tries=50

kept() {
    for link in "$@"; do
        [ -e "/sys/class/net/$link" ] || continue
        if grep -q '^NETWORK_FILE=.*/05-roth-' "/run/systemd/netif/links/$(cat "/sys/class/net/$link/ifindex")" 2>/dev/null; then
            echo "$link is still configured"
        fi
        for family in -4 -6; do
            ip "$family" rule show | grep "iif $link .*proto static"
        done
    done
}

while [ -n "$(kept "$@")" ] && [ "$tries" -gt 0 ]; do
    sleep 0.2
    tries=$((tries - 1))
done
left="$(kept "$@")"
if [ -n "$left" ]; then
    echo "still there 10 s after systemd-networkd was told:" "$left" >&2
    exit 1
fi
