#pragma once
// A fuzzer's bytes as numbers. Never ends: after the last byte everything is 0.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace ferry::fuzz {

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : left_(data, size) {}

  bool empty() const { return left_.empty(); }
  std::uint8_t byte() { return number<std::uint8_t>(); }
  /// 0 to @p limit - 1.
  std::uint32_t below(std::uint32_t limit) { return byte() % limit; }
  template <class T>
  T number() {
    T value{};
    const auto bytes = take(sizeof value);
    if (!bytes.empty()) std::memcpy(&value, bytes.data(), bytes.size());
    return value;
  }
  /// At most @p size of what is left.
  std::span<const std::uint8_t> take(std::size_t size) {
    const auto taken = left_.first(size < left_.size() ? size : left_.size());
    left_ = left_.subspan(taken.size());
    return taken;
  }
  /// Small numbers mostly, and now and then the edges of what fits.
  std::uint64_t interesting() {
    const std::uint8_t kind = byte();
    if (kind < 200) return kind % 20;
    if (kind < 220) return ~std::uint64_t{0} - kind % 3;
    if (kind < 240) return std::uint64_t{1} << (kind % 20 * 3 + 2);
    return number<std::uint64_t>();
  }

 private:
  std::span<const std::uint8_t> left_;
};

}  // namespace ferry::fuzz
