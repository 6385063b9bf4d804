#!/bin/sh
# settled.sh WHAT…: waits until systemd-networkd has done what it was told; says what is not as it should be.
#   there=ADDRESS/LENGTH   this host has the address
#   rule=PRIORITY          and such a rule of both families
#   free=LINK              the link has no file of ours any more, nor a rule that came with it
set -u
tries=50

unsettled() {
    present="$(ip -oneline address show)" rules4="$(ip -4 rule show)" rules6="$(ip -6 rule show)"
    for what in "$@"; do
        value="${what#*=}"
        case "$what" in
        there=*)
            case "$present" in *" $value "*) ;; *) echo "address $value is missing" ;; esac
            ;;
        rule=*)
            echo "$rules4" | grep -q "^$value:" || echo "rule $value of IPv4 is missing"
            echo "$rules6" | grep -q "^$value:" || echo "rule $value of IPv6 is missing"
            ;;
        free=*)
            [ -e "/sys/class/net/$value" ] || continue
            if grep -q '^NETWORK_FILE=.*/05-roth-' "/run/systemd/netif/links/$(cat "/sys/class/net/$value/ifindex")" 2>/dev/null; then
                echo "$value is still configured"
            fi
            printf '%s\n%s\n' "$rules4" "$rules6" | grep "iif $value .*proto static"
            ;;
        *) echo "unknown: $what" ;;
        esac
    done
}

# a run that was interrupted before it told networkd owes it the reload
[ -z "$(unsettled "$@")" ] || networkctl reload
while [ -n "$(unsettled "$@")" ] && [ "$tries" -gt 0 ]; do
    sleep 0.2
    tries=$((tries - 1))
done
left="$(unsettled "$@")"
if [ -n "$left" ]; then
    echo "not done 10 s after systemd-networkd was told:" "$left" >&2
    exit 1
fi
