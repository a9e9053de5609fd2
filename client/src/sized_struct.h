#pragma once
// Structs that start with their size: read what the caller has, write what the caller has room for.

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "client/src/struct_sizes.h"
#include "proto/result.h"

namespace ferry::client {

/// The caller's struct as this library knows it; what an older caller's struct lacks is zero. kInvalidArgument when it is
/// NULL or smaller than any version of it was, kUnsupported when it is larger than ours with something set there.
template <class T>
proto::Result<T> read_struct(const T* in, const char* name) {
  using proto::Error, proto::ErrorCode;
  constexpr std::size_t least_bytes = kFirstSizeBytes<T>;
  static_assert(least_bytes != 0 && least_bytes <= sizeof(T), "struct_sizes.h has every struct of the C ABI");
  if (in == nullptr) return Error{ErrorCode::kInvalidArgument, fmt::format("{} is NULL", name)};
  const std::size_t size = in->struct_size;
  if (size < least_bytes)
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{}.struct_size {} is below {}: set it to sizeof({})", name, size, least_bytes, name)};
  if (size > 64 * 1024)
    return Error{ErrorCode::kInvalidArgument, fmt::format("{}.struct_size {} exceeds the limit 65536", name, size)};
  const auto* bytes = reinterpret_cast<const unsigned char*>(in);
  for (std::size_t i = sizeof(T); i < size; ++i)
    if (bytes[i] != 0)
      return Error{ErrorCode::kUnsupported,
                   fmt::format("{} has a field set at byte {} that this library (struct of {} bytes) does not know", name, i,
                               sizeof(T))};
  T out{};
  std::memcpy(&out, in, std::min(size, sizeof(T)));
  return out;
}

/// Whether @p out can take an answer.
template <class T>
proto::Result<void> check_out(const T* out, const char* name) {
  using proto::Error, proto::ErrorCode;
  constexpr std::size_t least_bytes = kFirstSizeBytes<T>;
  static_assert(least_bytes != 0 && least_bytes <= sizeof(T), "struct_sizes.h has every struct of the C ABI");
  if (out == nullptr) return Error{ErrorCode::kInvalidArgument, fmt::format("{} to fill in is NULL", name)};
  if (out->struct_size < least_bytes)
    return Error{ErrorCode::kInvalidArgument, fmt::format("{}.struct_size {} is below {}: set it to sizeof({}) before the call",
                                                          name, out->struct_size, least_bytes, name)};
  return {};
}

/// Copies as much of @p value as the caller has room for; its struct_size stays. check_out() came before.
template <class T>
void write_struct(T* out, T& value) {
  value.struct_size = out->struct_size;
  std::memcpy(out, &value, std::min<std::size_t>(out->struct_size, sizeof(T)));
}

}  // namespace ferry::client
