#pragma once
// The size of every struct of the C ABI in the version that brought it: the least a caller may set `struct_size` to.
// A struct may grow at its end; these numbers never change, so that programs built against an older header go on.

#include <cstddef>

#include "ferry/ferry.h"

namespace ferry::client {

template <class T>
inline constexpr std::size_t kFirstSizeBytes = 0;

template <> inline constexpr std::size_t kFirstSizeBytes<ferry_conflict> = 776;
template <> inline constexpr std::size_t kFirstSizeBytes<ferry_connect_info> = 32;
template <> inline constexpr std::size_t kFirstSizeBytes<ferry_vulkan_info> = 40;
template <> inline constexpr std::size_t kFirstSizeBytes<ferry_vulkan_requirements> = 24;
template <> inline constexpr std::size_t kFirstSizeBytes<ferry_device_create_info> = 48;
template <> inline constexpr std::size_t kFirstSizeBytes<ferry_device_info> = 352;
template <> inline constexpr std::size_t kFirstSizeBytes<ferry_image_desc> = 32;
template <> inline constexpr std::size_t kFirstSizeBytes<ferry_frame_metadata> = 392;
template <> inline constexpr std::size_t kFirstSizeBytes<ferry_stream_info> = 64;
template <> inline constexpr std::size_t kFirstSizeBytes<ferry_target> = 96;
template <> inline constexpr std::size_t kFirstSizeBytes<ferry_stream_state> = 616;
template <> inline constexpr std::size_t kFirstSizeBytes<ferry_attach_info> = 32;
template <> inline constexpr std::size_t kFirstSizeBytes<ferry_frame> = 496;
template <> inline constexpr std::size_t kFirstSizeBytes<ferry_event> = 288;
template <> inline constexpr std::size_t kFirstSizeBytes<ferry_dma_buf> = 96;
template <> inline constexpr std::size_t kFirstSizeBytes<ferry_own_slots> = 24;

// Nested in others: these cannot grow, their reserved fields are what is left.
static_assert(sizeof(ferry_image_desc) == kFirstSizeBytes<ferry_image_desc>);
static_assert(sizeof(ferry_frame_metadata) == kFirstSizeBytes<ferry_frame_metadata>);

}  // namespace ferry::client
