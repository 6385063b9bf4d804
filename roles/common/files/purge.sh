#!/bin/sh
# purge.sh PACKAGE FOUND…: prints PACKAGE and those packages it depends on that are not among FOUND (installed before us),
# that nobody asked for by name, and that nothing else needs. Prints nothing when PACKAGE itself was FOUND or is gone.
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
# a package that something else needs would take that along: leave it out, until nothing more would go than was chosen
while :; do
    # shellcheck disable=SC2086
    more="$(apt-get --simulate purge $chosen | sed -n 's/^\(Remv\|Purg\) \([^ ]*\).*/\2/p' | sort -u | while read -r name; do
        case " $chosen " in *" $name "*) ;; *) echo "$name" ;; esac
    done)"
    [ -n "$more" ] || break
    [ "$chosen" != "$package" ] || { echo "$package is needed by" $more >&2; exit 1; }
    chosen="${chosen% *}"
done
printf '%s\n' $chosen
