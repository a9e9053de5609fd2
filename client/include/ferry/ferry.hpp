// Ferry for C++20: the C ABI of ferry.h with ownership, exceptions and chrono. Header only, nothing of its own.
//
//  - Failures throw Error; "nothing yet" (would block, timed out) is an empty optional, never an exception.
//  - Every class is move-only and owns one C handle; get() lends it out. A moved-from object may only be destroyed or
//    assigned to. Threads: as ferry.h says of the handle inside.
//  - Order of destruction does not matter: a Producer or Consumer keeps its Connection and Device open. What was
//    *wrapped* (Device::wrap) stays the application's, and must outlive them all.
//  - Frames, targets, metadata and events are the C structs. begin(), publish(), acquire(), release() and next_event()
//    allocate nothing.
#ifndef FERRY_FERRY_HPP
#define FERRY_FERRY_HPP

#include <ferry/ferry.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace ferry {

// ---- errors -------------------------------------------------------------------------------------------------------

/// A call failed. what() is the library's line of text; code() is the FERRY_ERROR_* it returned.
class Error : public std::runtime_error {
 public:
  Error(std::int32_t code, const char* text)
      : std::runtime_error(text && *text ? text : ferry_error_name(code)), code_(code) {
    ferry_conflict conflict{};
    conflict.struct_size = FERRY_CONFLICT_SIZE;
    const bool may_have_one = code == FERRY_ERROR_INCOMPATIBLE || code == FERRY_ERROR_EVICTED;
    if (may_have_one && ferry_last_conflict(&conflict) == FERRY_OK) conflict_ = conflict;
  }

  std::int32_t code() const noexcept { return code_; }
  const char* name() const noexcept { return ferry_error_name(code_); }  ///< "FERRY_ERROR_NOT_FOUND"
  /// Who does not fit, by what, and the two lists; of FERRY_ERROR_INCOMPATIBLE, and of FERRY_ERROR_EVICTED
  /// when that is why.
  const std::optional<ferry_conflict>& conflict() const noexcept { return conflict_; }

 private:
  std::int32_t code_;
  std::optional<ferry_conflict> conflict_;
};

namespace detail {

inline void check(std::int32_t code) {
  if (code != FERRY_OK) throw Error(code, ferry_last_error());
}

/// Whether a call brought something: false for "nothing yet", throws for a failure.
inline bool check_ready(std::int32_t code) {
  if (code == FERRY_ERROR_WOULD_BLOCK || code == FERRY_ERROR_TIMEOUT) return false;
  check(code);
  return true;
}

inline const char* text_or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

}  // namespace detail

// ---- times --------------------------------------------------------------------------------------------------------

/// How long a call may wait: any chrono duration; kNoWait (or less than zero) looks once; kForever has no end.
using Timeout = std::optional<std::chrono::nanoseconds>;
inline constexpr Timeout kForever = std::nullopt;
inline constexpr Timeout kNoWait = std::chrono::nanoseconds{0};

namespace detail {

/// In C a negative timeout is endless. A deadline that has passed, computed by a caller, must not become that.
constexpr std::int64_t timeout_ns(Timeout timeout) {
  if (!timeout) return -1;
  return timeout->count() < 0 ? 0 : timeout->count();
}

}  // namespace detail

// ---- plain data ---------------------------------------------------------------------------------------------------

using Rect = ferry_rect;
using ImageDesc = ferry_image_desc;
using FrameMetadata = ferry_frame_metadata;
using Target = ferry_target;  ///< a slot to draw into
using Frame = ferry_frame;    ///< a frame to read
using Event = ferry_event;
using StreamState = ferry_stream_state;
using DeviceInfo = ferry_device_info;
using VulkanInfo = ferry_vulkan_info;
using VulkanRequirements = ferry_vulkan_requirements;
using DmaBuf = ferry_dma_buf;  ///< an image in a dma-buf

/// Any of Ferry's structs, zeroed, with its size filled in: `auto metadata = ferry::sized<ferry::FrameMetadata>();`
template <class Struct>
constexpr Struct sized() {
  Struct value{};
  value.struct_size = sizeof(Struct);
  return value;
}

inline ImageDesc image_desc(std::uint32_t width_px, std::uint32_t height_px, ferry_format format,
                            std::uint32_t usage = 0, std::uint32_t flags = 0) {
  auto desc = sized<ImageDesc>();
  desc.width_px = width_px;
  desc.height_px = height_px;
  desc.format = format;
  desc.usage = usage;
  desc.flags = flags;
  return desc;
}

/// Version of the library that is loaded: "0.1.0".
inline const char* version() { return ferry_version(); }

// ---- connection ---------------------------------------------------------------------------------------------------

struct ConnectOptions {
  std::string socket_path = {};         ///< empty: $FERRY_SOCKET or the usual places (ferry_connect_info)
  std::string application = {};         ///< what `ferry status` shows; empty: the process's name
  /// For each question to the broker. Not a Timeout: zero does wait, for the library's default of 5 s; kNoWait there is none.
  /// Less than zero: without end.
  std::chrono::nanoseconds timeout{0};
};

/// A session with the broker.
class Connection {
 public:
  explicit Connection(const ConnectOptions& options = {}) {
    ferry_connect_info info = FERRY_CONNECT_INFO_INIT;
    info.socket_path = detail::text_or_null(options.socket_path);
    info.application = detail::text_or_null(options.application);
    info.timeout_ns = options.timeout.count();
    ferry_connection* handle = nullptr;
    detail::check(ferry_connect(&info, &handle));
    handle_ = {handle, ferry_disconnect};
  }
  Connection(Connection&&) noexcept = default;
  Connection& operator=(Connection&&) noexcept = default;

  /// What the broker knows, as JSON (docs/status.md).
  std::string status_json() const {
    char* text = nullptr;
    detail::check(ferry_query_status(get(), &text));
    const std::unique_ptr<char, void (*)(void*)> owned(text, ferry_free);
    return owned.get();
  }

  ferry_connection* get() const noexcept { return handle_.get(); }

 private:
  friend class Producer;
  friend class Consumer;
  std::shared_ptr<ferry_connection> handle_;
};

// ---- device -------------------------------------------------------------------------------------------------------

struct DeviceOptions {
  std::string selector = {};  ///< device UUID, index or a part of the name; empty: the connection's default device
  bool enable_validation = false;  ///< UNSUPPORTED where the layer is not installed
  std::vector<const char*> instance_extensions = {};  ///< more than Ferry's own: what GLFW asks for, say
  std::vector<const char*> device_extensions = {};
  /// Chain of structs for VkDeviceCreateInfo::pNext; ferry_device_create() says what is enabled anyway.
  const void* device_features = nullptr;
};

/// A Vulkan device that Ferry imports into.
class Device {
 public:
  /// Makes instance, device and a graphics queue: the broker's default device when @p options name none.
  explicit Device(const Connection& connection, const DeviceOptions& options = {})
      : Device(connection.get(), options) {}
  /// The same for a program that has no connection yet; an empty selector prefers real GPUs to software ones.
  explicit Device(const DeviceOptions& options) : Device(nullptr, options) {}

  /// Lets Ferry use an application's device, which must have been made with what requirements() said.
  static Device wrap(const VulkanInfo& vulkan) {
    ferry_device* handle = nullptr;
    detail::check(ferry_device_wrap(&vulkan, &handle));
    return Device(handle);
  }
  /// What a VkDevice of that physical device must be created with; vulkan.device is ignored.
  static VulkanRequirements requirements(const VulkanInfo& vulkan) {
    auto out = sized<VulkanRequirements>();
    detail::check(ferry_get_vulkan_requirements(&vulkan, &out));
    return out;
  }

  Device(Device&&) noexcept = default;
  Device& operator=(Device&&) noexcept = default;

  DeviceInfo info() const {
    auto out = sized<DeviceInfo>();
    detail::check(ferry_device_get_info(get(), &out));
    return out;
  }

  /// For sync mode `sync-fd`, as ferry_device_lend_queue(): @p lock and @p unlock are called with @p user, and must not throw.
  void lend_queue(VkQueue queue, void (*lock)(void* user) = nullptr, void (*unlock)(void* user) = nullptr,
                  void* user = nullptr) {
    detail::check(ferry_device_lend_queue(get(), queue, lock, unlock, user));
  }

  ferry_device* get() const noexcept { return handle_.get(); }

 private:
  friend class Producer;
  friend class Consumer;

  explicit Device(ferry_device* handle) : handle_(handle, ferry_device_destroy) {}
  Device(ferry_connection* connection, const DeviceOptions& options) {
    ferry_device_create_info info = FERRY_DEVICE_CREATE_INFO_INIT;
    info.enable_validation = options.enable_validation ? 1 : 0;
    info.connection = connection;
    info.selector = detail::text_or_null(options.selector);
    info.instance_extension_count = static_cast<std::uint32_t>(options.instance_extensions.size());
    info.instance_extensions = options.instance_extensions.data();
    info.device_extension_count = static_cast<std::uint32_t>(options.device_extensions.size());
    info.device_extensions = options.device_extensions.data();
    info.device_features = options.device_features;
    ferry_device* handle = nullptr;
    detail::check(ferry_device_create(&info, &handle));
    handle_ = {handle, ferry_device_destroy};
  }

  std::shared_ptr<ferry_device> handle_;
};

// ---- producer -----------------------------------------------------------------------------------------------------

struct StreamOptions {
  std::string name = {};
  ImageDesc image = FERRY_IMAGE_DESC_INIT;  ///< see image_desc()
  ferry_sync_mode sync_mode = FERRY_SYNC_AUTOMATIC;
  ferry_queue_policy queue_policy = FERRY_QUEUE_DROP;
  std::uint32_t frames_in_flight = 0;  ///< 0: the library's default
  std::uint32_t min_slots = 0;         ///< 0: the broker's choice
  ferry_transport transport = FERRY_TRANSPORT_AUTOMATIC;
};

/// The right to publish into one stream. The stream ends with this object.
class Producer {
 public:
  /// Creates the stream, or takes over an orphaned one of that name.
  Producer(const Connection& connection, const Device& device, const StreamOptions& options)
      : connection_(connection.handle_), device_(device.handle_) {
    const ferry_stream_info info = info_of(options);
    ferry_producer* handle = nullptr;
    detail::check(ferry_producer_create(connection.get(), device.get(), &info, &handle));
    handle_.reset(handle);
  }
  /// With slots that the caller has allocated: Target::slot is the number in @p slots. @p flags: FERRY_OWN_*.
  Producer(const Connection& connection, const Device& device, const StreamOptions& options,
           const std::vector<DmaBuf>& slots, std::uint32_t flags = 0)
      : connection_(connection.handle_), device_(device.handle_) {
    const ferry_stream_info info = info_of(options);
    const ferry_own_slots own = own_of(slots, flags);
    ferry_producer* handle = nullptr;
    detail::check(ferry_producer_create_with_slots(connection.get(), device.get(), &info, &own, &handle));
    handle_.reset(handle);
  }
  Producer(Producer&&) noexcept = default;
  Producer& operator=(Producer&& other) noexcept {
    Producer old(std::move(*this));  // the stream must end before what it stands on may close
    take(std::move(other));
    return *this;
  }

  /// The next slot nobody reads, or nothing when all are held for that long. Submit work that waits for
  /// wait_semaphores and signals signal_semaphore, then publish().
  std::optional<Target> begin(Timeout timeout) {
    std::optional<Target> target(sized<Target>());
    if (!detail::check_ready(ferry_producer_begin(get(), detail::timeout_ns(timeout), &*target))) target.reset();
    return target;
  }
  /// Makes @p target the newest frame. Only after the work that signals its semaphore has been submitted.
  void publish(const Target& target) { detail::check(ferry_producer_publish(get(), target.id, nullptr)); }
  void publish(const Target& target, const FrameMetadata& metadata) {
    detail::check(ferry_producer_publish(get(), target.id, &metadata));
  }
  /// Gives @p target back without a frame. Nothing submitted may still write it or signal its semaphore.
  void cancel(const Target& target) { detail::check(ferry_producer_cancel(get(), target.id)); }

  /// For poll/epoll: readable when next_event() has something, and when a begin() that found no slot may find one now. The
  /// library's: neither read nor close it.
  int fd() const {
    int out = -1;
    detail::check(ferry_producer_get_fd(get(), &out));
    return out;
  }

  /// A new size, format or usage for the next begin(). When it throws, the stream goes on as it was.
  void reconfigure(const ImageDesc& image) { detail::check(ferry_producer_reconfigure(get(), &image)); }
  /// The same of a stream with slots of its own.
  void replace_slots(const ImageDesc& image, const std::vector<DmaBuf>& slots, std::uint32_t flags = 0) {
    const ferry_own_slots own = own_of(slots, flags);
    detail::check(ferry_producer_replace_slots(get(), &image, &own));
  }

  std::optional<Event> next_event() {
    std::optional<Event> event(sized<Event>());
    if (!detail::check_ready(ferry_producer_next_event(get(), &*event))) event.reset();
    return event;
  }

  StreamState state() const {
    auto out = sized<StreamState>();
    detail::check(ferry_producer_get_state(get(), &out));
    return out;
  }

  ferry_producer* get() const noexcept { return handle_.get(); }

 private:
  struct Destroy {
    void operator()(ferry_producer* handle) const noexcept { ferry_producer_destroy(handle); }
  };
  static ferry_stream_info info_of(const StreamOptions& options) {
    ferry_stream_info info = FERRY_STREAM_INFO_INIT;
    info.name = options.name.c_str();
    info.image = options.image;
    info.sync_mode = options.sync_mode;
    info.queue_policy = options.queue_policy;
    info.frames_in_flight = options.frames_in_flight;
    info.min_slots = options.min_slots;
    info.transport = options.transport;
    return info;
  }
  static ferry_own_slots own_of(const std::vector<DmaBuf>& slots, std::uint32_t flags) {
    ferry_own_slots own = FERRY_OWN_SLOTS_INIT;
    own.count = static_cast<std::uint32_t>(slots.size());
    own.flags = flags;
    own.slots = slots.data();
    return own;
  }
  void take(Producer&& other) noexcept {
    connection_ = std::move(other.connection_);
    device_ = std::move(other.device_);
    handle_ = std::move(other.handle_);
  }

  std::shared_ptr<ferry_connection> connection_;  // in this order: destroyed from the last one up
  std::shared_ptr<ferry_device> device_;
  std::unique_ptr<ferry_producer, Destroy> handle_;
};

// ---- consumer -----------------------------------------------------------------------------------------------------

struct AttachOptions {
  std::string name = {};
  ferry_consumer_mode mode = FERRY_CONSUMER_LATEST;
  std::uint32_t max_holds = 0;    ///< frames held at once; 0: the library's default
  std::uint32_t queue_depth = 0;  ///< mode EVERY; 0: the library's default
  Timeout timeout = kNoWait;      ///< how long to wait for the stream to appear
};

/// One lease: the right to read one stream.
class Consumer {
 public:
  /// Throws NOT_FOUND when the stream does not exist (kNoWait), TIMEOUT when it did not appear in time.
  Consumer(const Connection& connection, const Device& device, const AttachOptions& options)
      : connection_(connection.handle_), device_(device.handle_) {
    ferry_attach_info info = FERRY_ATTACH_INFO_INIT;
    info.name = options.name.c_str();
    info.mode = options.mode;
    info.max_holds = options.max_holds;
    info.queue_depth = options.queue_depth;
    info.timeout_ns = detail::timeout_ns(options.timeout);
    ferry_consumer* handle = nullptr;
    detail::check(ferry_consumer_attach(connection.get(), device.get(), &info, &handle));
    handle_.reset(handle);
  }
  Consumer(Consumer&&) noexcept = default;
  Consumer& operator=(Consumer&& other) noexcept {
    Consumer old(std::move(*this));  // the lease must end before what it stands on may close
    take(std::move(other));
    return *this;
  }

  /// The next frame, or nothing when none came in that time. Read it in work that waits for wait_semaphore and signals
  /// signal_semaphore, then release().
  std::optional<Frame> acquire(Timeout timeout) {
    std::optional<Frame> frame(sized<Frame>());
    if (!detail::check_ready(ferry_consumer_acquire(get(), detail::timeout_ns(timeout), &*frame))) frame.reset();
    return frame;
  }
  /// Gives @p frame back. @p flags: FERRY_RELEASE_SIGNALLED once the work that signals is submitted, or
  /// FERRY_RELEASE_UNUSED when nothing submitted reads it any more.
  void release(const Frame& frame, std::uint32_t flags = FERRY_RELEASE_SIGNALLED) {
    detail::check(ferry_consumer_release(get(), frame.sequence, flags));
  }

  /// The dma-buf of a held frame, whose descriptor is the caller's to close. @p flags: FERRY_EXPORT_*.
  DmaBuf export_frame(const Frame& frame, std::uint32_t flags = 0) const {
    auto out = sized<DmaBuf>();
    detail::check(ferry_consumer_export(get(), frame.sequence, flags, &out));
    return out;
  }

  /// Moves @p frame's signal value behind all that were given out: before a submission that comes after one for a frame
  /// acquired later.
  void renew_signal(Frame& frame) { detail::check(ferry_consumer_renew_signal(get(), &frame)); }

  /// For poll/epoll: readable when acquire() or next_event() has something. The library's: neither read nor close it.
  int fd() const {
    int out = -1;
    detail::check(ferry_consumer_get_fd(get(), &out));
    return out;
  }

  std::optional<Event> next_event() {
    std::optional<Event> event(sized<Event>());
    if (!detail::check_ready(ferry_consumer_next_event(get(), &*event))) event.reset();
    return event;
  }

  StreamState state() const {
    auto out = sized<StreamState>();
    detail::check(ferry_consumer_get_state(get(), &out));
    return out;
  }

  ferry_consumer* get() const noexcept { return handle_.get(); }

 private:
  struct Destroy {
    void operator()(ferry_consumer* handle) const noexcept { ferry_consumer_destroy(handle); }
  };
  void take(Consumer&& other) noexcept {
    connection_ = std::move(other.connection_);
    device_ = std::move(other.device_);
    handle_ = std::move(other.handle_);
  }

  std::shared_ptr<ferry_connection> connection_;  // in this order: destroyed from the last one up
  std::shared_ptr<ferry_device> device_;
  std::unique_ptr<ferry_consumer, Destroy> handle_;
};

}  // namespace ferry

#endif
