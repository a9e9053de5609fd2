#pragma once
// What a slot's image may be used for. Bits are the C ABI's and the wire's: append only.

#include <cstdint>

namespace ferry::proto {

enum UsageBits : std::uint32_t {
  kUsageRender = 1u << 0,       ///< colour attachment
  kUsageSample = 1u << 1,       ///< sampled; always granted
  kUsageStorage = 1u << 2,      ///< storage image (no sRGB format has it)
  kUsageTransferSrc = 1u << 3,  ///< always granted: recorders and snapshots copy from it
  kUsageTransferDst = 1u << 4,  ///< always granted: the broker clears every slot before anybody sees it
};
inline constexpr std::uint32_t kUsageAlways = kUsageSample | kUsageTransferSrc | kUsageTransferDst;
inline constexpr std::uint32_t kUsageAll = kUsageAlways | kUsageRender | kUsageStorage;

enum ImageFlagBits : std::uint32_t {
  kImageSrgbViews = 1u << 0,  ///< 8-bit formats: views may read and write it as UNORM and as SRGB (MUTABLE_FORMAT)
};
inline constexpr std::uint32_t kImageFlagsAll = kImageSrgbViews;

}  // namespace ferry::proto
