#pragma once
// What each command was asked to do, and how the words of the command line become it.

#include <ferry/ferry.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ferry::cli {

struct Size {
  std::uint32_t width_px, height_px;
  bool operator==(const Size&) const = default;
};

struct StatusOptions {
  std::string socket;
  bool json = false;
  std::optional<double> watch_s;
};

struct ListOptions {
  std::string socket;
};

struct SourceOptions {
  std::string socket, name, device;
  Size size{1280, 720};
  ferry_format format = FERRY_FORMAT_RGBA8_UNORM;
  double rate_hz = 60;            ///< 0: as fast as slots come free
  std::uint64_t frame_count = 0;  ///< 0: until stopped
  ferry_sync_mode sync = FERRY_SYNC_AUTOMATIC;
  ferry_transport transport = FERRY_TRANSPORT_AUTOMATIC;
  ferry_queue_policy policy = FERRY_QUEUE_DROP;
};

struct SnapshotOptions {
  std::string socket, stream, path, device;
  double timeout_s = 5;
  bool wait = false;  ///< for the stream to appear
  bool raw = false;
};

struct ViewOptions {
  std::string socket, stream;
  std::vector<std::string> arguments;  ///< for the viewer
};

struct ServiceOptions {
  std::string what;  ///< "install", "status", "logs"
  bool follow = false;
};

struct DoctorOptions {
  bool json = false;
  Size size{641, 361};  ///< odd: rows do not fit together by chance
};

/// One end of a try that the doctor makes.
struct ProbeOptions {
  std::string role, socket, device;
  Size size{};
  ferry_transport transport = FERRY_TRANSPORT_AUTOMATIC;
  ferry_sync_mode sync = FERRY_SYNC_AUTOMATIC;
};

inline constexpr std::uint32_t kMaxSidePx = 32768;
inline constexpr double kMaxRateHz = 10'000;

/// "1920x1080", both 1 to kMaxSidePx.
std::optional<Size> parse_size(std::string_view text);
/// "rgba16f", in any case: RGB formats, which `ferry source` can render to.
std::optional<ferry_format> parse_format(std::string_view text);
/// "timeline" for FERRY_SYNC_TIMELINE.
const char* sync_mode_name(std::uint32_t mode);
/// "auto", "timeline", "sync-fd", "host".
std::optional<ferry_sync_mode> parse_sync_mode(std::string_view text);
/// "auto", "opaque-fd", "dma-buf", "host-memory".
std::optional<ferry_transport> parse_transport(std::string_view text);
/// "drop", "block".
std::optional<ferry_queue_policy> parse_queue_policy(std::string_view text);
/// Seconds, 0.05 to a day; nothing at all means one.
std::optional<double> parse_watch_period(const std::string& text);
/// Seconds, 0 to a day.
std::optional<double> parse_timeout(const std::string& text);
/// 1, 2, 3 ...
std::optional<std::uint64_t> parse_count(std::string_view text);
/// Above 0 to kMaxRateHz, or "max", which gives 0.
std::optional<double> parse_rate(const std::string& text);

}  // namespace ferry::cli
