#!/usr/bin/env bash
# api_page_test SOURCE_DIR: docs/api.md names every function that libferry exports, and no others, and every event.
set -euo pipefail
cd "$1"
exported=$(grep -o 'ferry_[a-z_]*;' client/src/ferry.map | tr -d ';' | sort)
tabled=$(sed -n '/^## Functions/,/^## Device/s/^| \(`ferry_[^|]*\) |.*/\1/p' docs/api.md | grep -o 'ferry_[a-z_]*' | sort)
diff <(printf '%s\n' "$exported") <(printf '%s\n' "$tabled") >&2 ||
  { echo "the table of functions in docs/api.md (>) is not what ferry.map exports (<)" >&2; exit 1; }
declared=$(grep -o '^FERRY_API.*[ *]ferry_[a-z_]*(' client/include/ferry/ferry.h | grep -o 'ferry_[a-z_]*($' | tr -d '(' | sort)
diff <(printf '%s\n' "$exported") <(printf '%s\n' "$declared") >&2 ||
  { echo "what ferry.h declares (>) is not what ferry.map exports (<)" >&2; exit 1; }
for event in $(grep -o '^ *FERRY_EVENT_[A-Z_]*' client/include/ferry/ferry.h); do
  grep -q "^| \`$event\` |" docs/api.md || { echo "docs/api.md says nothing of $event" >&2; exit 1; }
done
echo "$(wc -l <<<"$exported") functions"
