#!/bin/sh
# purge.sh PACKAGE FOUND…: prints PACKAGE and those packages it depends on that are not among FOUND (installed before us),
# that nobody asked for by name, and that nothing else needs. Prints nothing when PACKAGE itself was FOUND, is gone, or is
# needed by something that came later.
set -eu
package="$1"
shift
found=" $* "

installed() {
    [ "$(dpkg-query --show --showformat '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

case "$found" in *" $package "*) exit 0 ;; esac
installed "$package" || exit 0
chosen="$package"
for name in $(apt-cache depends --recurse --installed --important "$package" | grep '^[a-z0-9]' | cut -d: -f1 | sort -u); do
    case "$found $chosen " in *" $name "*) continue ;; esac
    if installed "$name" && apt-mark showauto "$name" | grep -q .; then chosen="$chosen $name"; fi
done
# A package that something else needs would take that along, or apt refuses: leave it out, until nothing more would go than
# was chosen.
more() {
    # shellcheck disable=SC2086
    plan="$(apt-get --simulate purge $chosen 2>&1)" || { echo "(apt refuses)"; return; }
    echo "$plan" | sed -n 's/^\(Remv\|Purg\) \([^ ]*\).*/\2/p' | sort -u | while read -r name; do
        case " $chosen " in *" $name "*) ;; *) echo "$name" ;; esac
    done
}

while [ -n "$(more)" ]; do
    [ "$chosen" != "$package" ] || exit 0
    chosen="${chosen% *}"
done
# shellcheck disable=SC2086
printf '%s\n' $chosen
