// Every Vulkan call of Ferry's that can fail does, at every place where it is made: the error says so, nothing is left
// behind, of descriptors or of the driver's objects, and the next try works. A call that is made nowhere fails the test,
// unless what it is for is nothing that this driver can do.

#include <dlfcn.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <thread>

#include "platform/vulkan/device.h"
#include "platform/vulkan/dispatch.h"
#include "proto/usage.h"
#include "tests/support/deadline.h"
#include "tests/support/layers/failing_layer.h"
#include "tests/support/layers/vulkan_census.h"
#include "tests/support/temp_dir.h"

namespace ferry::platform::test {
namespace {

using ferry::test::read_census;
using proto::ErrorCode;
using proto::Result;

constexpr TextureDesc kDesc{64, 48, proto::Format::kRgba8Unorm, proto::kUsageRender, 0};

std::string census_file() {
  static const ferry::test::TempDir folder;
  return folder.file("census");
}

/// Before anybody loads the loader: it reads these once for each instance.
[[maybe_unused]] const bool environment_is_set = [] {
  for (auto& [name, value] : ferry::test::census_environment(census_file())) {
    // The one that fails is below the one that counts, which sees what an application sees, and above those that lend the
    // driver what it cannot do.
    if (name == "VK_INSTANCE_LAYERS")
      value += ":VK_LAYER_FERRY_failing:VK_LAYER_FERRY_fencing:VK_LAYER_FERRY_timelines";
    ::setenv(name.c_str(), value.c_str(), 1);
  }
  // Mesa 22.3's own layer reads on where it is told that there are no devices for want of memory.
  ::setenv("NODEVICE_SELECT", "1", 1);
  return true;
}();

struct Layer {
  Layer() {
    library = ::dlopen((ferry::test::program_folder() + "/../lib/libferry_failing_layer.so").c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw std::runtime_error(::dlerror());
    arm = reinterpret_cast<FerryFailingArm>(::dlsym(library, "ferry_failing_arm"));
    disarm = reinterpret_cast<FerryFailingDisarm>(::dlsym(library, "ferry_failing_disarm"));
  }
  void* library;
  FerryFailingArm arm;
  FerryFailingDisarm disarm;
};

Layer& layer() {
  static Layer layer;
  return layer;
}

struct Footprint {
  std::size_t descriptors = 0;
  ferry::test::VulkanCensus vulkan;
  bool operator==(const Footprint&) const = default;
};

Footprint footprint() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return {static_cast<std::size_t>(std::distance(begin(all), end(all))), read_census(census_file())};
}

/// A driver's thread may close what it has waited for a moment after its work is seen to be done: as much as @p wanted, or
/// less, where that was counted too early.
Footprint settled_footprint(const Footprint& wanted) {
  const ferry::test::Deadline deadline(std::chrono::seconds(5));
  Footprint now = footprint();
  while (!(now.vulkan == wanted.vulkan && now.descriptors <= wanted.descriptors) && !deadline.passed()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    now = footprint();
  }
  return now;
}

struct Kind {
  VkResult result;
  ErrorCode code;
};
constexpr Kind kKinds[] = {{VK_ERROR_OUT_OF_HOST_MEMORY, ErrorCode::kOutOfMemory},
                           {VK_ERROR_OUT_OF_DEVICE_MEMORY, ErrorCode::kOutOfMemory},
                           {VK_ERROR_TOO_MANY_OBJECTS, ErrorCode::kOutOfMemory},
                           {VK_ERROR_DEVICE_LOST, ErrorCode::kDeviceLost}};

class VulkanFaults : public ::testing::Test {
 protected:
  /// Lets the nth call of @p function fail in @p scenario, for every n. Returns at how many places it did.
  /// @p may_go_on: what a driver does not say of itself is no error, only less that it can do.
  /// @p needs: what the driver has to be able to do for this call to be made; where it is not, there is no place.
  template <class Scenario>
  void sweep(const char* function, Scenario scenario, bool may_go_on = false, bool needs = true) {
    int places = 0;
    Footprint before = footprint();
    for (const Kind& kind : kKinds) {
      const int earlier = places;
      for (int nth = 1;; ++nth) {
        if (nth == 1000) {
          ADD_FAILURE() << function << " has no end";
          return;
        }
        layer().arm(function, nth, kind.result);
        const Result<void> ended = scenario();
        const bool struck = layer().disarm();
        const std::string where = fmt::format("{} number {}: VkResult {}: {}", function, nth, static_cast<int>(kind.result),
                                              ended ? "went through" : ended.error().message);
        if (!struck) {
          EXPECT_TRUE(ended) << where;
          break;
        }
        ++places;
        if (may_go_on) {
          EXPECT_TRUE(ended || ended.error().code == ErrorCode::kUnsupported || ended.error().code == kind.code) << where;
        } else {
          EXPECT_FALSE(ended) << where;
          if (!ended) {
            EXPECT_EQ(ended.error().code, kind.code) << where;
            EXPECT_NE(ended.error().message.find(function), std::string::npos) << where;
          }
        }
        const Footprint after = settled_footprint(before);
        EXPECT_LE(after.descriptors, before.descriptors) << where;
        EXPECT_EQ(after.vulkan, before.vulkan) << where << "; left: " << after.vulkan.text() << " instead of "
                                               << before.vulkan.text();
        if (HasFailure()) return;
        before = after;
      }
      EXPECT_EQ(places > earlier, needs) << function << ", VkResult " << static_cast<int>(kind.result) << ": "
                                         << places - earlier << " places";
    }
    std::printf("%-45s %d places%s\n", function, places, needs ? "" : ": nothing that this driver can do");
  }
};

template <class T>
Result<void> and_then(const Result<T>& result) {
  if (!result) return result.error();
  return {};
}

TEST_F(VulkanFaults, WhileADeviceIsMade) {
  const auto scenario = [] { return and_then(create_device({})); };
  ASSERT_TRUE(scenario());  // what is opened once and kept
  for (const char* function : {"vkCreateInstance", "vkEnumeratePhysicalDevices", "vkCreateDevice"})
    sweep(function, scenario);
  for (const char* function : {"vkEnumerateDeviceExtensionProperties", "vkGetPhysicalDeviceImageFormatProperties2"})
    sweep(function, scenario, true);
}

template <class Function>
constexpr bool kReturnsAResult = false;
template <class... Parameters>
constexpr bool kReturnsAResult<VkResult(VKAPI_PTR*)(Parameters...)> = true;

TEST(FailingLayer, KnowsEveryCallOfFerrysThatCanFail) {
  const std::set<std::string> known{
      "CreateDevice",
#define FERRY_NAME(name) #name,
      FERRY_FAILING_INSTANCE_FUNCTIONS(FERRY_NAME) FERRY_FAILING_DEVICE_FUNCTIONS(FERRY_NAME)
#undef FERRY_NAME
  };
#define FERRY_EXPECT_KNOWN(name) EXPECT_TRUE(!kReturnsAResult<PFN_vk##name> || known.contains(#name)) << "vk" #name;
  FERRY_VK_INSTANCE_FUNCTIONS(FERRY_EXPECT_KNOWN)
  FERRY_VK_DEVICE_FUNCTIONS(FERRY_EXPECT_KNOWN)
  FERRY_VK_OPTIONAL_DEVICE_FUNCTIONS(FERRY_EXPECT_KNOWN)
#undef FERRY_EXPECT_KNOWN
}

/// All that crosses between a broker's device and a client's, in the transports that there are on this machine.
class Work {
 public:
  Work() : broker_(*create_device({})), client_(*create_device({})) {}

  Result<void> run() {
    auto slots = broker_->texture_exporter()->allocate(kDesc, 2);
    if (!slots) return std::move(slots).error();
    for (const auto& slot : *slots) {
      auto imported = client_->texture_importer().import(slot->fd().duplicate(), kDesc, slot->layout());
      if (!imported) return std::move(imported).error();
    }
    auto local = client_->timeline_importer().create_local();
    if (!local) return std::move(local).error();
    if (auto used = use(**local); !used) return used;
    if (auto crossed = dma_bufs(); !crossed) return crossed;
    if (TimelineExporter* exporter = broker_->timeline_exporter()) {
      auto timeline = exporter->create();
      if (!timeline) return std::move(timeline).error();
      auto imported = client_->timeline_importer().import((*timeline)->fd().duplicate());
      if (!imported) return std::move(imported).error();
      if (auto used = use(**imported); !used) return used;
    }
    if (!client_->capabilities().host_memory) return {};
    auto memory = make_host_memory_exporter()->allocate(kDesc, 1);
    if (!memory) return std::move(memory).error();
    auto imported = client_->texture_importer().import(memory->front()->fd().duplicate(), kDesc, memory->front()->layout());
    if (!imported) return std::move(imported).error();
    if (auto sent = (*imported)->copy()->to_shared(); !sent) return sent;
    return (*imported)->copy()->from_shared();
  }

  /// A point on its way into a fence and back.
  Result<void> fences() {
    auto bridge = client_->fence_bridge({client_->queue(), {}, {}});
    if (!bridge) return std::move(bridge).error();
    auto from = client_->timeline_importer().create_local();
    if (!from) return std::move(from).error();
    auto to = client_->timeline_importer().create_local();
    if (!to) return std::move(to).error();
    const std::shared_ptr<Timeline> source = std::move(*from), target = std::move(*to);
    if (auto signalled = source->signal(1); !signalled) return signalled;
    auto fence = (*bridge)->export_point(source, 1);
    if (!fence) return std::move(fence).error();
    fence_was_pending_ = static_cast<bool>(*fence);
    if (auto imported = (*bridge)->import_point(std::move(*fence), target, 1); !imported) return imported;
    return target->wait(1, 1'000'000'000);
  }

  /// Whether the last fence was a descriptor: only then is there something to import.
  bool fence_was_pending() const { return fence_was_pending_; }

  const DeviceCapabilities& can() const { return broker_->capabilities(); }
  bool can_export_dma_bufs() const { return can().dma_buf && !modifiers().empty(); }
  /// What has to be there for @p function ("vkCreateImage") to be called by run().
  bool makes(std::string_view function) const {
    if (function == "vkGetImageDrmFormatModifierPropertiesEXT" || function == "vkGetMemoryFdPropertiesKHR")
      return can_export_dma_bufs();
    if (function == "vkGetMemoryHostPointerPropertiesEXT" || function == "vkCreateBuffer" || function == "vkBindBufferMemory")
      return can().host_memory;
    if (function == "vkGetSemaphoreFdKHR" || function == "vkImportSemaphoreFdKHR") return can().timeline_fd;
    return true;
  }

 private:
  std::vector<std::uint64_t> modifiers() const {
    std::vector<std::uint64_t> exported;
    for (const FormatModifier& known : can().modifiers)
      if (known.format == kDesc.format && known.exports) exported.push_back(known.modifier);
    return exported;
  }

  Result<void> dma_bufs() {
    if (!can_export_dma_bufs()) return {};
    auto slots = broker_->dma_buf_exporter(modifiers(), VK_QUEUE_FAMILY_EXTERNAL)->allocate(kDesc, 1);
    if (!slots) return std::move(slots).error();
    return and_then(client_->texture_importer().import(slots->front()->fd().duplicate(), kDesc, slots->front()->layout()));
  }

  static Result<void> use(Timeline& timeline) {
    if (auto signalled = timeline.signal(3); !signalled) return signalled;
    if (auto waited = timeline.wait(3, 1'000'000'000); !waited) return waited;
    auto value = timeline.value();
    if (value) {
      EXPECT_EQ(*value, 3u);
    }
    return and_then(value);
  }

  std::unique_ptr<VulkanDevice> broker_, client_;
  bool fence_was_pending_ = false;
};

TEST_F(VulkanFaults, WhileSlotsAndTimelinesCross) {
  Work work;
  const auto scenario = [&] { return work.run(); };
  const auto warm = scenario();
  ASSERT_TRUE(warm) << warm.error().message;
  EXPECT_TRUE(work.can().timeline_fd) << work.can().timeline_fd_reason << ": the layer lends it to any driver";
  if (std::getenv("FERRY_TEST_DMA_BUF") != nullptr) {
    EXPECT_TRUE(work.can_export_dma_bufs()) << work.can().dma_buf_reason;
  }
  // A wait that fails for want of memory is tried once more.
#define FERRY_SWEEP(name)                                                                           \
  sweep("vk" #name, scenario, std::string_view(#name) == "WaitForFences", work.makes("vk" #name)); \
  if (HasFailure()) return;
  FERRY_FAILING_DEVICE_FUNCTIONS(FERRY_SWEEP)
#undef FERRY_SWEEP
  sweep("vkGetPhysicalDeviceImageFormatProperties2", scenario);
}

TEST_F(VulkanFaults, WhileFencesCross) {
  Work work;
  ASSERT_TRUE(work.can().sync_fd) << work.can().sync_fd_reason << ": the layer lends it to any driver";
  const auto scenario = [&] { return work.fences(); };
  const auto warm = scenario();
  ASSERT_TRUE(warm) << warm.error().message;
  // Not vkWaitSemaphores: a bridge that goes and cannot wait for its crossings keeps what they use, for the GPU's sake.
  for (const char* function : {"vkCreateSemaphore", "vkGetSemaphoreCounterValue", "vkGetSemaphoreFdKHR", "vkQueueSubmit",
                               "vkSignalSemaphore"}) {
    sweep(function, scenario);
    if (HasFailure()) return;
  }
  sweep("vkImportSemaphoreFdKHR", scenario, false, work.fence_was_pending());
}

/// The device that copies between an application's images and the host's memory is made when the first slot needs it.
TEST_F(VulkanFaults, WhileTheDeviceForCopiesIsMade) {
  const auto scenario = []() -> Result<void> { return Work().run(); };
  const auto warm = scenario();
  ASSERT_TRUE(warm) << warm.error().message;
  // Two devices are made before it, whose failure is no exception's matter here.
  const Footprint before = footprint();
  layer().arm("vkCreateDevice", 3, VK_ERROR_OUT_OF_HOST_MEMORY);
  const auto failed = scenario();
  if (!layer().disarm()) GTEST_SKIP() << "no transport host-memory here";
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kOutOfMemory) << failed.error().message;
  EXPECT_EQ(settled_footprint(before), before);
  const auto next = scenario();
  EXPECT_TRUE(next) << next.error().message;
}

}  // namespace
}  // namespace ferry::platform::test
