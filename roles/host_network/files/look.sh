#!/bin/sh
# Reads, as one JSON document, what the role must know before it changes anything.
set -u

quoted() {
    first=""
    for word in "$@"; do
        printf '%s"%s"' "$first" "$word"
        first=", "
    done
}

# files that become active with systemd-networkd and are not ours
foreign=""
for file in /etc/systemd/network/*.network; do
    case "${file##*/}" in
    05-roth-* | '*.network') ;;
    *) foreign="$foreign ${file##*/}" ;;
    esac
done

# files of ours, of this role or a bridge
ours=""
for file in /etc/systemd/network/05-roth-*; do
    if [ -e "$file" ]; then ours="$ours ${file##*/}"; fi
done

# what enabling systemd-networkd enables with it, each as it is, and the folder of its settings
units=""
for unit in systemd-networkd.service systemd-networkd.socket systemd-network-generator.service \
    systemd-networkd-wait-online.service; do
    units="$units\"$unit\": \"$(systemctl is-enabled "$unit" 2>/dev/null)\", "
done
if [ -d /etc/systemd/networkd.conf.d ]; then folder=true; else folder=false; fi

# interfaces where the kernel takes router advertisements (1: unless it forwards, 2: always)
accept_ra=""
for file in /proc/sys/net/ipv6/conf/*/accept_ra; do
    interface="${file%/accept_ra}"
    if [ "$(cat "$file")" != 0 ]; then accept_ra="$accept_ra ${interface##*/}"; fi
done
kept="$(sed -n 's,^-net/ipv6/conf/\([^/]*\)/accept_ra = 2$,\1,p' /etc/sysctl.d/60-roth-network.conf 2>/dev/null)"
ra_routes="$(ip -json -6 route show table all proto ra 2>/dev/null)"

# shellcheck disable=SC2086
cat <<DOCUMENT
{
  "version": $(systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p'),
  "enabled": "$(systemctl is-enabled systemd-networkd.service 2>/dev/null)",
  "active": "$(systemctl is-active systemd-networkd.service)",
  "networkd": {"active": "$(systemctl is-active systemd-networkd.service)", "folder": $folder, "units": {${units%, }}},
  "rp_filter": $(cat /proc/sys/net/ipv4/conf/all/rp_filter),
  "foreign": [$(quoted $foreign)],
  "ours": [$(quoted $ours)],
  "accept_ra": [$(quoted $accept_ra)],
  "ra_kept": [$(quoted $kept)],
  "ra_routes": ${ra_routes:-[]}
}
DOCUMENT
