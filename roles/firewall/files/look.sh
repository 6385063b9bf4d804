#!/bin/sh
# Reads, as one JSON document, what is here of the table roth: look.sh NFT FILE
set -u
nft="$1" file="$2"

answer() {
    if "$@" >/dev/null 2>&1; then echo true; else echo false; fi
}

cat <<DOCUMENT
{
  "nft": $(answer test -x "$nft"),
  "file": $(answer test -e "$file"),
  "unit": $(answer test -e /etc/systemd/system/roth-firewall.service),
  "again": $(answer test -e /etc/systemd/system/roth-firewall-again.service),
  "table": $(answer "$nft" list table inet roth),
  "active": $(answer systemctl is-active roth-firewall.service)
}
DOCUMENT
