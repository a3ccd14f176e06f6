#!/bin/sh
# Takes a torn transaction out of the append-only file before the server starts: mend-aof.sh [DATA]
#
# A server that is killed while it writes one leaves its first part. Redis and Valkey cut off the
# command that is torn and leave the MULTI before it (Valkey's pull request 4342 mends that), so
# that all that is written next is lost at the next start. What is damaged otherwise stays as it is:
# the server says so. rillet/aof.py does the same for the embedded server.
set -eu
# Whatever `appenddirname` and `appendfilename` are.
set -- "${1:-/data}"/*/*.manifest
[ -s "$1" ] || exit 0
if [ $# -gt 1 ]; then echo "mend-aof: looks at $1 alone, of $*"; fi
manifest=$1
last=${manifest%/*}/$(awk '/ type i( |$)/ { name = $2 } END { print name }' "$manifest")
[ -f "$last" ] || exit 0
check=$(command -v redis-check-aof || command -v valkey-check-aof) || {
  echo "mend-aof: no redis-check-aof in this image: a torn transaction would stay"
  exit 0
}
# In the C locale whatever stands in the file is text.
export LC_ALL=C
said=$("$check" "$last" 2>&1) && exit 0
case $said in *"format error"* | *Unexpected*) exit 0 ;; esac
# A line without its end: torn, if it begins so near to the end of the file as a line may be long.
line=$(printf '%s\n' "$said" | sed -n 's/^0x *\([0-9a-f]*\): Expected \\r\\n.*/\1/p')
if [ -n "$line" ] && [ $((0x$line)) -lt $(($(wc -c < "$last") - 24)) ]; then exit 0; fi
echo "mend-aof: the last transaction of $last was not written to its end: it is cut off"
echo y | "$check" --fix "$last"
