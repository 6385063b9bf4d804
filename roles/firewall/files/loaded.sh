#!/bin/sh
# Tells "same" when the kernel's table is what the file says, else "differs": loaded.sh NFT FILE
# The kernel itself puts both in one form. The file's goes into a network namespace that exists for that alone.
set -u
nft="$1" file="$2"

wanted="$(unshare --net sh -c '"$1" --file "$2" && "$1" --stateless list table inet roth' sh "$nft" "$file" 2>/dev/null)"
if [ -n "$wanted" ] && [ "$wanted" = "$("$nft" --stateless list table inet roth 2>/dev/null)" ]; then
    echo same
else
    echo differs
fi
