#!/usr/bin/env bash
# package_test BUILD_DIR SOURCE_DIR: installs into a folder of its own, builds the minimal programs against it from
# outside the tree, and runs them to their first answer.
set -euo pipefail
build_dir=$1
source_dir=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
fail() { echo "package_test: $*" >&2; exit 1; }
sanitize=()
[ -z "${SANITIZE:-}" ] || sanitize=("-fsanitize=${SANITIZE//;/,}")

cmake --install "$build_dir" --prefix "$prefix" >"$work/install.log"
for file in bin/ferryd bin/ferry include/ferry/ferry.h include/ferry/ferry.hpp include/ferry/ferry_vulkan.h \
  lib/systemd/system/ferryd.service lib/systemd/system/ferryd.socket lib/systemd/user/ferryd.service \
  lib/systemd/user/ferryd.socket lib/sysusers.d/ferry.conf etc/ferry/ferryd.toml share/man/man1/ferry.1 \
  share/man/man1/ferryd.1 share/bash-completion/completions/ferry share/zsh/site-functions/_ferry \
  share/fish/vendor_completions.d/ferry.fish; do
  [ -s "$prefix/$file" ] || fail "$file is not installed"
done
[ -z "$(cd "$prefix/include" && find . -name '*.h*' | grep -v '^./ferry/')" ] || fail "a header outside include/ferry"

echo "== units"
units=$prefix/lib/systemd
for unit in "$units"/*/*; do
  ! grep -n '@[A-Z_]*@' "$unit" || fail "$unit still has a variable of the build's"
done
for manager in system user; do
  # Where the build is to be installed, not where this test puts it.
  grep -q '^ExecStart=/.*/bin/ferryd' "$units/$manager/ferryd.service" || fail "$manager/ferryd.service starts no ferryd"
  grep -q '^FileDescriptorStoreMax=[1-9]' "$units/$manager/ferryd.service" || fail "$manager/ferryd.service keeps nothing"
  [ "$(sed -n 's/^FileDescriptorStoreMax=//p' "$units/$manager/ferryd.service")" = \
    "$(sed -n 's/^Environment=FDSTORE=//p' "$units/$manager/ferryd.service")" ] || fail "$manager/ferryd.service says two sizes"
done
if systemd-analyze --version 2>/dev/null | awk 'NR == 1 {exit !($2 >= 250)}'; then
  # Ten times the bounds: docs/operations.md says why a user's unit is judged so.
  for bound in system:20 user:62; do
    systemd-analyze security --offline=true --threshold="${bound#*:}" --no-pager "$units/${bound%:*}/ferryd.service" \
      >"$work/exposure" 2>&1 || { tail -n 1 "$work/exposure"; fail "${bound%:*}/ferryd.service is exposed too much"; }
    tail -n 1 "$work/exposure"
  done
else
  echo "SKIPPED: there is no systemd-analyze that judges units offline (systemd 250)"
fi

echo "== completions, manual pages"
bash -n "$prefix/share/bash-completion/completions/ferry" || fail "the completions for bash are none"
for page in ferry ferryd; do
  head -n 5 "$prefix/share/man/man1/$page.1" | grep -q '^\.TH' || fail "man page $page.1 has no title"
done

echo "== exported symbols"
library=$(find "$prefix" -name 'libferry.so.*.*.*')
[ -n "$library" ] || fail "libferry is not installed"
# (of the library's own: sanitizers bring theirs)
nm -D --defined-only "$library" | awk '$2 != "A" {print $3}' | sed 's/@.*//' | sort -u >"$work/exported"
sed -n 's/^ *\(ferry_[a-z_]*\);$/\1/p' "$source_dir/client/src/ferry.map" | sort -u >"$work/listed"
sed -n 's/.*\b\(ferry_[a-z0-9_]*\)(.*/\1/p' "$source_dir/client/include/ferry/ferry.h" | sort -u >"$work/mentioned"
diff "$work/listed" "$work/exported" || fail "the library exports something else than ferry.map lists"
while read -r symbol; do
  grep -qx "$symbol" "$work/mentioned" || fail "$symbol is exported and not declared in ferry.h"
done <"$work/exported"
wc -l <"$work/exported"

echo "== pkg-config, C"
export PKG_CONFIG_PATH
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name ferry.pc)")
[ "$(pkg-config --modversion ferry)" = "$("$prefix/bin/ferry" --version | awk '{print $2}')" ] ||
  fail "ferry.pc says $(pkg-config --modversion ferry), ferry says $("$prefix/bin/ferry" --version)"
# shellcheck disable=SC2046
${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Werror "${sanitize[@]}" "$source_dir/client/examples/minimal/minimal_consumer.c" \
  $(pkg-config --cflags --libs ferry) -o "$work/consumer_c"

echo "== find_package, C++"
mkdir "$work/app"
cat >"$work/app/CMakeLists.txt" <<EOF
cmake_minimum_required(VERSION 3.25)
project(app LANGUAGES CXX)
find_package(ferry 0.1 REQUIRED)
foreach(name minimal_producer minimal_consumer)
  add_executable(\${name} $source_dir/client/examples/minimal/\${name}.cpp)
  target_compile_features(\${name} PRIVATE cxx_std_20)
  target_link_libraries(\${name} PRIVATE ferry::ferry Vulkan::Vulkan)
  target_compile_options(\${name} PRIVATE ${sanitize[*]:-})
  target_link_options(\${name} PRIVATE ${sanitize[*]:-})
endforeach()
EOF
cmake -S "$work/app" -B "$work/app/build" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" >"$work/cmake.log" || { cat "$work/cmake.log"; fail "find_package(ferry)"; }
cmake --build "$work/app/build" >"$work/cmake.log" || { cat "$work/cmake.log"; fail "building against the package"; }

echo "== run"
libdir=$(dirname "$library")
for program in "$work/consumer_c" "$work/app/build/minimal_producer" "$work/app/build/minimal_consumer"; do
  status=0
  FERRY_SOCKET=$work/nobody.sock LD_LIBRARY_PATH=$libdir "$program" >"$work/out" 2>&1 || status=$?
  [ $status -eq 1 ] || fail "$(basename "$program") without a broker ends with $status: $(cat "$work/out")"
  grep -q "ferryd" "$work/out" || fail "$(basename "$program") does not say how to start a broker: $(cat "$work/out")"
done
echo "package_test: passed"
