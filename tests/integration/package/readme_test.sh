#!/usr/bin/env bash
# readme_test SOURCE_DIR: every block of the README that is announced as "`FILE`, whole:" is that file.
set -euo pipefail
source_dir=$1
readme=$source_dir/README.md

blocks=0
while read -r line file; do
  [ -f "$source_dir/$file" ] || { echo "README.md:$line names $file, which does not exist" >&2; exit 1; }
  shown=$(awk -v from="$line" 'NR > from && /^```/ { if (inside) exit; inside = 1; next } inside' "$readme")
  diff <(cat "$source_dir/$file") <(printf '%s\n' "$shown") >&2 || { echo "README.md:$line differs from $file" >&2; exit 1; }
  blocks=$((blocks + 1))
done < <(sed -n '/^`.*`, whole:$/{=;s/^`\(.*\)`, whole:$/\1/p}' "$readme" | paste -d ' ' - -)
[ $blocks -ge 4 ] || { echo "README.md shows $blocks whole programs, a producer and a consumer in C++ and in Rust are expected" >&2; exit 1; }
echo "$blocks programs shown as they are built"
