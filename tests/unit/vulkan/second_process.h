#pragma once
// This test program once more, as another process that gets a slot over a socket.

#include <string>

#include "platform/texture.h"

namespace ferry::platform::test {

inline constexpr const char* kSecondProcessOption = "--second-process";
inline constexpr std::uint32_t kFirstPattern = 1, kSecondPattern = 2;

/// Sends @p texture to a new process, which must find kFirstPattern in it and leaves kSecondPattern there. What went
/// wrong; empty if nothing.
std::string hand_to_second_process(const ExportedTexture& texture, const TextureDesc& desc);

/// The second process's main: @p socket_number is its inherited end.
int run_second_process(const char* socket_number);

}  // namespace ferry::platform::test
